import { parseAddress } from '@sonde/model/cluster/address';
import type { FlowEnd } from '@sonde/model/policy/preview/judge';
import type { PolicyWorld } from '@sonde/model/policy/preview/world';
import type { FastifyRequest } from 'fastify';
import { fromWhere, select } from '../records/question.js';
import type { RouteDependencies } from '../routes/dependencies.js';
import { SqlParameters } from '../sql/parameters.js';
import type { TimeRange } from '../time-range.js';

/** Kinds of pods that are looked at. */
const MOST_PODS = 50_000;

interface Row {
  readonly namespace: string;
  readonly labels: string;
  readonly account: string;
  readonly address: string;
}

/**
 * The pods that may stand behind the services to whose addresses some flows went: all in the services' namespaces that
 * any flow of the time range tells of, each kind of pod once.
 */
export async function podsBehindServices(
  dependencies: RouteDependencies,
  request: FastifyRequest,
  cluster: string,
  range: TimeRange,
  flows: readonly { readonly dst: FlowEnd }[],
  worlds: readonly PolicyWorld[],
): Promise<FlowEnd[]> {
  const addresses = flows.filter(({ dst }) => dst.kind === 'service').map(({ dst }) => dst.address);
  const services = worlds.flatMap((world) => addresses.map((address) => world.services.at(address)));
  const namespaces = [...new Set(services.flatMap((service) => service?.namespace ?? []))];
  if (namespaces.length === 0) return [];
  const parameters = new SqlParameters();
  const anyFlow = { kind: 'flows', range, filter: { kind: 'constant', value: true } } as const;
  const pods = (end: 'src' | 'dst') =>
    `SELECT ${end}_namespace AS namespace, ${end}_labels AS labels, ${end}_service_account AS account, ${end}_ip AS ip
     ${fromWhere(anyFlow, request.access, parameters)} AND cluster = ${parameters.add(cluster, 'String')}
       AND ${end}_kind = 'pod' AND ${end}_namespace IN ${parameters.add(namespaces, 'Array(String)')}`;
  const rows = await select<Row>(
    dependencies,
    request,
    `SELECT namespace, labels, account, toString(min(ip)) AS address FROM (${pods('src')} UNION ALL ${pods('dst')})
     GROUP BY namespace, labels, account ORDER BY namespace, labels, account LIMIT ${MOST_PODS}`,
    parameters,
  );
  return rows.map(({ namespace, labels, account, address }) => ({
    ...{ kind: 'pod', namespace, labels, serviceAccount: account, address: parseAddress(address) },
  }));
}
