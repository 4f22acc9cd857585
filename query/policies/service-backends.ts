import { parseAddress } from '@sonde/model/net/address';
import type { FlowEndpoint } from '@sonde/model/policy/preview/flow-identity';
import type { PolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { fromWhere, select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import type { TimeRange } from '../time-range.js';

/** Maximum number of kinds of pods. */
const MAX_PODS = 50_000;

/** Pods that flows do not distinguish, with an address that one of them had. */
export interface BackendPod extends FlowEndpoint {
  /** Name of the workload, or of a pod without one. */
  readonly workload: string;
}

/** The namespaces of the services that flows go to, according to the snapshots. */
export function namespacesOfServices(
  snapshots: readonly PolicySnapshot[],
  flows: readonly { readonly dst: FlowEndpoint }[],
): string[] {
  const addresses = flows.filter(({ dst }) => dst.kind === 'service').map(({ dst }) => dst.address);
  const services = snapshots.flatMap((snapshot) => addresses.map((address) => snapshot.services.at(address)));
  return [...new Set(services.flatMap((service) => service?.namespace ?? []))];
}

interface Row {
  readonly namespace: string;
  readonly workload: string;
  readonly labels: string;
  readonly account: string;
  readonly address: string;
}

/**
 * The possible backends of services in some namespaces: all pods there that occur in flows of the time range, each kind of
 * pod once.
 */
export async function servicePods(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  namespaces: readonly string[],
): Promise<BackendPod[]> {
  if (namespaces.length === 0) return [];
  const parameters = new SqlParameters();
  const anyFlow = { kind: 'flows', range, filter: { kind: 'constant', value: true } } as const;
  const pods = (end: 'src' | 'dst') =>
    `SELECT ${end}_namespace AS namespace, if(${end}_workload != '', ${end}_workload, ${end}_name) AS workload,
       ${end}_labels AS labels, ${end}_service_account AS account, ${end}_ip AS ip
     ${fromWhere(anyFlow, context.access, parameters)} AND cluster = ${parameters.add(cluster, 'String')}
       AND ${end}_kind = 'pod' AND ${end}_namespace IN ${parameters.add(namespaces, 'Array(String)')}`;
  const group = 'namespace, workload, labels, account';
  const rows = await select<Row>(
    context,
    `SELECT ${group}, toString(min(ip)) AS address FROM (${pods('src')} UNION ALL ${pods('dst')})
     GROUP BY ${group} ORDER BY ${group} LIMIT ${MAX_PODS}`,
    parameters,
  );
  return rows.map(({ namespace, workload, labels, account, address }) => ({
    ...{ kind: 'pod', namespace, workload, labels, serviceAccount: account, address: parseAddress(address) },
  }));
}
