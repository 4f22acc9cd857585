import { enrichedFlows, type FlowRow } from '@sonde/model/flow/build-enriched';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { manifestText } from '@sonde/model/policy/history/version';
import { calico, manifest, namespace, networkPolicy } from '@sonde/model/policy/manifests/build';
import { startTestApi, type TestApi } from './test-api.js';

/** The time of the shop's latest flows, more or less. */
export const NOW = Date.now();
export const MINUTE = 60_000;

/** An API over a shop: namespaces, policies with a history, and flows with the traces that they left. */
export async function startPolicyShop(): Promise<TestApi> {
  const api = await startTestApi();
  const named = (name: string) => namespace(name, { 'kubernetes.io/metadata.name': name });
  await keep(api, ['shop', 'infra', 'secret'].map(named), 60);
  await keep(api, [API_SERVICE], 55);
  await keep(api, [calico('Tier', 'security', { order: 10, defaultAction: 'Pass' })], 50);
  await keep(
    api,
    [calico('GlobalNetworkPolicy', 'security.pass', { tier: 'security', egress: [{ action: 'Pass' }] })],
    45,
  );
  await keep(api, [networkPolicy('shop/api', { podSelector: { matchLabels: { app: 'api' } } })], 40);
  await keep(api, [API_POLICY], 30, { changedBy: 'alice' });
  await keep(api, [networkPolicy('secret/vault', { podSelector: {} })], 20, { changedBy: 'mallory' });
  await keep(api, [networkPolicy('shop/gone', { podSelector: {} })], 15);
  await keep(api, [networkPolicy('shop/gone', { podSelector: {} })], 10, { deleted: true });
  await api.store.insert({ flows: enrichedFlows(FLOWS) });
  return api;
}

let versions = 0;

/** Keeps objects as they became so many minutes ago. */
export async function keep(
  { store }: TestApi,
  objects: readonly KubernetesObject[],
  minutesAgo: number,
  { changedBy = '', deleted = false, cluster = 'main' } = {},
): Promise<void> {
  await store.insertObjects(
    objects.map((object) => ({
      ...{ cluster, apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name },
      ...{ namespace: object.metadata.namespace ?? '', version: String(++versions), deleted, changedBy },
      ...{ changedAtMs: NOW - minutesAgo * MINUTE, manifest: manifestText(object) },
    })),
  );
}

/** The service in front of the API's pods. */
const API_SERVICE = manifest('v1', 'Service', 'shop/api', {
  ...{ selector: { app: 'api' }, clusterIP: '10.96.0.1' },
  ports: [{ name: 'http', port: 80, targetPort: 8080 }],
});

/** Lets the web pods in on 8080, and nobody else. */
const API_POLICY = networkPolicy('shop/api', {
  podSelector: { matchLabels: { app: 'api' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 8080 }] }],
});

/** The fields of a pod's end, by `namespace/workload`. */
export const pod = (end: 'src' | 'dst', place: string, ip: string): FlowRow => {
  const [own = '', workload = ''] = place.split('/');
  return Object.fromEntries(
    Object.entries({
      ...{ kind: 'pod', namespace: own, workload, name: `${workload}-0`, labels: `app=${workload}` },
      ...{ service_account: 'default', ip, node: `node-${workload}` },
    }).map(([field, value]) => [`${end}_${field}`, value]),
  );
};

export const WEB = pod('src', 'shop/web', '10.0.0.1');
export const API = pod('dst', 'shop/api', '10.0.0.2');

let offset = 0;
/** A flow of five minutes ago. */
export function flow(fields: FlowRow): FlowRow {
  return {
    ...{ start_time: NOW - 5 * MINUTE + offset, end_time: NOW - 4 * MINUTE + offset, cluster: 'main' },
    ...{ primary: true, protocol: 6, src_port: 40_000 + offset, tcp_flags: 2, connections_started: 1 },
    ...{
      bytes_out: 60,
      bytes_in: 40,
      packets_out: 1,
      packets_in: 1,
      action: 'allow',
      transport_offset: offset++,
    },
    ...{ evidence: 'delivered', rtt_us: 250 },
    ...fields,
  };
}

const ALLOWED =
  '0|security|gnp:security.pass|pass|0,1|__PROFILE__|pro:kns.shop|allow|0,0|default|knp:shop/api|allow|0';
const DENIED = '0|__PROFILE__|pro:kns.infra|allow|0,0|default|knp:shop/api|deny|-1';

const FLOWS: FlowRow[] = [
  flow({ ...WEB, ...API, dst_port: 8080, policies: ALLOWED, pending_policies: ALLOWED }),
  flow({ ...WEB, ...API, dst_port: 8080, policies: ALLOWED, pending_policies: ALLOWED }),
  // The same connection as the server's node saw it.
  flow({ ...WEB, ...API, dst_port: 8080, policies: ALLOWED, pending_policies: ALLOWED, primary: false }),
  flow({
    ...{ ...pod('src', 'infra/scanner', '10.0.0.9'), ...API, dst_port: 8080, action: 'deny' },
    ...{ policies: DENIED, pending_policies: DENIED, evidence: 'dropped', bytes_in: 0, packets_in: 0 },
  }),
  flow({
    ...{ ...WEB, dst_kind: 'external', dst_ip: '203.0.113.5', dst_port: 443, dst_domain: 'api.example.com' },
    ...{
      policies: '0|__PROFILE__|pro:kns.shop|allow|0',
      pending_policies: '0|__PROFILE__|pro:kns.shop|allow|0',
    },
  }),
  flow({
    ...WEB,
    dst_kind: 'service',
    dst_namespace: 'shop',
    dst_name: 'gone',
    dst_ip: '10.96.0.9',
    dst_port: 80,
    action: 'unknown',
  }),
  flow({
    ...pod('src', 'secret/vault', '10.0.0.7'),
    ...API,
    dst_port: 8080,
    action: 'deny',
    policies: DENIED.replace('infra', 'secret'),
  }),
];
