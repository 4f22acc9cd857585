import { formatAddress, parseAddress } from '@sonde/model/net/address';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { UNRELATED } from '@sonde/model/policy/evaluate/connection';
import { readService } from '@sonde/model/policy/manifests/kubernetes';
import { type PolicySnapshot, createPolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { type FieldProblem, Fields } from '@sonde/model/policy/resources/fields';
import {
  type ServiceContext,
  NO_SERVICES,
  type ObservedPod,
  type ServiceVersion,
} from '@sonde/model/policy/suggest/service-backends';
import type { ObservedFlow } from '@sonde/model/policy/suggest/observed';
import { visibleRecords } from '../access/visible.js';
import { select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import type { TimeRange } from '../time-range.js';
import { objectsAt } from './objects.js';
import { servicePods } from './service-backends.js';

/** Maximum number of service versions. */
const MAX_VERSIONS = 50_000;

/**
 * The services that flows of a time range went to, as far as the client may see them. Flows without a verdict are
 * evaluated against the policies at the end of the range.
 */
export async function serviceContext(
  context: QueryContext,
  cluster: string,
  range: TimeRange,
  flows: readonly ObservedFlow[],
): Promise<ServiceContext> {
  const services = flows.flatMap(({ dst }) => (dst.kind === 'service' && dst.namespace !== '' ? dst : []));
  if (services.length === 0) return NO_SERVICES;
  const names = [...new Set(services.map(({ namespace, name }) => `${namespace}/${name}`))];
  const namespaces = [...new Set(services.map(({ namespace }) => namespace))];
  const versions = await serviceVersions(context, cluster, names);
  const snapshot = createPolicySnapshot(await objectsAt(context, cluster, range.to));
  const pods = await servicePods(context, cluster, range, namespaces);
  return {
    versions,
    pods: pods.map((one) => {
      const { namespace, workload, labels, address } = one;
      return {
        endpoint: { kind: 'pod', namespace, name: workload, labels, address: formatAddress(address) },
        pod: snapshot.pods.of(one),
      };
    }),
    denies: (flow, pod, port) => denies(snapshot, flow, pod, port),
  };
}

async function serviceVersions(
  context: QueryContext,
  cluster: string,
  names: readonly string[],
): Promise<Map<string, ServiceVersion[]>> {
  const parameters = new SqlParameters();
  const rows = await select<{ manifest: string; since_ms: string }>(
    context,
    `SELECT manifest, toUnixTimestamp64Milli(min(changed_at)) AS since_ms
     FROM ${visibleRecords('cluster_objects', context.access, parameters)}
     WHERE cluster = ${parameters.add(cluster, 'String')} AND api_version = 'v1' AND kind = 'Service' AND NOT deleted
       AND concat(namespace, '/', name) IN ${parameters.add(names, 'Array(String)')}
     GROUP BY version, manifest ORDER BY since_ms, manifest LIMIT ${MAX_VERSIONS}`,
    parameters,
  );
  const versions = new Map<string, ServiceVersion[]>();
  for (const { manifest, since_ms } of rows) {
    const problems: FieldProblem[] = [];
    const service = readService(new Fields(JSON.parse(manifest) as KubernetesObject, '', problems));
    // An invalid service is ignored, as everywhere.
    if (problems.length > 0) continue;
    const name = `${service.namespace}/${service.name}`;
    versions.set(name, [...(versions.get(name) ?? []), { sinceMs: Number(since_ms), service }]);
  }
  return versions;
}

function denies(
  { evaluator, pods }: PolicySnapshot,
  { src, sourceAccount, protocol, sourcePort }: ObservedFlow,
  { pod, endpoint }: ObservedPod,
  port: number,
): boolean {
  const { kind, namespace, labels } = src;
  const address = parseAddress(src.address);
  const client =
    kind === 'pod' ? pods.of({ namespace, labels, serviceAccount: sourceAccount, address }) : undefined;
  const source = evaluator.identify(address, 0, client);
  const destination = evaluator.identify(parseAddress(endpoint.address), 0, pod);
  const result = evaluator.evaluate(source, destination, protocol, port, sourcePort, UNRELATED);
  return evaluator.verdict(result) === 'deny';
}
