import type { FlowStore } from '@sonde/backbone/store/store';
import { clusterObjects } from '@sonde/backbone/store/schema/cluster-objects';
import { enrichedDns, type WrittenDnsRow } from '../builders/dns.js';
import { enrichedFlows, type FlowRow } from '../builders/enriched-flows.js';
import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import { canonicalJson } from '@sonde/model/policy/history/object-version';

/**
 * The contents of a store. Both variants are equal for a client with access to namespace `shop`, and differ in everything
 * else: the other ends of shop's connections, the policies that act on them, and the traffic of other namespaces.
 */
export interface StoreVariant {
  /** Part of every name that is hidden from shop. */
  readonly secret: string;
  /** Number of flows and policies of other namespaces. */
  readonly others: number;
}

export const storeVariants: readonly [StoreVariant, StoreVariant] = [
  { secret: 'amber', others: 40 },
  { secret: 'zircon', others: 170 },
];

/** The day of all records. */
export const DAY = '2026-03-01T00:00:00Z';
const DAY_MS = Date.parse(DAY);

/** Fills an empty store. */
export async function fillStore(store: FlowStore, variant: StoreVariant): Promise<void> {
  const flows = [...ownFlows(variant), ...otherFlows(variant)];
  await store.insert({ flows: enrichedFlows(flows), dns: enrichedDns(lookups(variant)) });
  await store.insertRows(clusterObjects, objects(variant));
}

/** Connections of shop; everything that its own end shows is equal in both variants. */
function ownFlows(variant: StoreVariant): FlowRow[] {
  return Array.from({ length: 240 }, (_, index) => {
    const start = DAY_MS + Math.floor(index / 2) * 1000;
    const isClient = index % 3 !== 0;
    const own = { ...ownEnd(index), ...at(isClient ? 'src' : 'dst', `10.0.0.${index % 7}`) };
    const [peer, address] = peerEnd(variant, index);
    const ends = isClient
      ? { ...prefixed('src', own), ...prefixed('dst', { ...peer, ...at('dst', address) }) }
      : { ...prefixed('dst', own), ...prefixed('src', { ...peer, ...at('src', address) }) };
    return {
      ...ends,
      start_time: start,
      end_time: start + 900,
      cluster: 'lab',
      // Some connections are reported by the node of the other end.
      node: index % 4 === 0 ? `node-${variant.secret}` : 'node-shop',
      reporter: 'src',
      primary: index % 5 !== 0,
      sampling: 1,
      protocol: index % 6 === 0 ? 17 : 6,
      src_port: 30_000 + index,
      dst_port: [443, 8443, 53, 5432][index % 4],
      bytes_out: 100 * index,
      bytes_in: 1000 + index,
      packets_out: index,
      packets_in: index,
      connections_started: 1,
      rtt_us: index * 10,
      connection_state: index % 7 === 0 ? 'unanswered' : 'closed',
      evidence: index % 7 === 0 ? 'unanswered' : 'delivered',
      action: index % 7 === 0 ? 'deny' : 'allow',
      ...policies(variant, index, isClient),
      ...(isClient && index % 2 === 0 ? service(variant, index) : {}),
      transport_partition: 0,
      transport_offset: index,
    } as FlowRow;
  });
}

function ownEnd(index: number) {
  return {
    kind: 'pod',
    namespace: 'shop',
    name: `web-${index % 5}`,
    workload: 'web',
    workload_kind: 'Deployment',
    service_account: 'web',
    labels: 'app=web',
    node: 'node-shop',
    zone: 'zone-1',
    network_sets: `${index % 2 === 0 ? 'shop/pods,' : ''}world`,
    process: 'nginx',
    cgroup: 7,
    tunnel_ip: '192.0.2.7',
  };
}

/** The other end, alternately in another namespace, external, and in a network set. */
function peerEnd({ secret, others }: StoreVariant, index: number): [Record<string, unknown>, string] {
  const choice = index % 4;
  if (choice === 0) return [{ kind: 'external', domain: 'www.example.com' }, '198.51.100.1'];
  if (choice === 1) {
    // In a network set of another namespace in one variant, in none in the other.
    const named = {
      kind: 'network_set',
      namespace: secret,
      name: secret,
      labels: `of=${secret}`,
      network_sets: `${secret}/${secret}`,
    };
    return [others > 100 ? named : { kind: 'external' }, '203.0.113.9'];
  }
  return [
    {
      kind: 'pod',
      namespace: `${secret}-${index % 3}`,
      name: `${secret}-pod-${index % 11}`,
      workload: `${secret}-work`,
      workload_kind: others > 100 ? 'StatefulSet' : 'DaemonSet',
      service_account: secret,
      labels: `app=${secret},tier=${others}`,
      node: `node-${secret}`,
      zone: `zone-${secret}`,
      network_sets: `${secret}/pods,world`,
      process: secret,
      cgroup: others,
      tunnel_ip: others > 100 ? '192.0.2.50' : '192.0.2.60',
      domain: '',
    },
    `10.1.0.${index % 9}`,
  ];
}

/**
 * Traces. If an end is in another namespace, hidden steps surround those of shop; their number, and so the index of
 * shop's own steps, differs between the variants.
 */
function policies({ secret, others }: StoreVariant, index: number, isClient: boolean) {
  const own = ['default|knp:shop/web|pass|0', '__PROFILE__|pro:kns.shop|allow|0'];
  const ofAll = Array.from(
    { length: others > 100 ? 1 + (index % 3) : index % 2 },
    (_, number) => `${secret}|gnp:${secret}.${number}|pass|${number}`,
  );
  const otherSteps = [
    `${secret}|gnp:${secret}.all|pass|0`,
    `default|np:${secret}-1/default.${secret}|deny|${others}`,
  ];
  const isInCluster = index % 4 >= 2;
  const ownEnd = isInCluster ? [...ofAll, own[0], ...ofAll, own[1]] : own;
  const ends = !isInCluster ? [ownEnd] : isClient ? [ownEnd, otherSteps] : [otherSteps, ownEnd];
  const trace = ends.flatMap((steps) => steps.map((step, place) => `${place}|${step}`)).join(',');
  return { policies: trace, pending_policies: trace };
}

function service({ secret }: StoreVariant, index: number) {
  return {
    dst_service_namespace: index % 4 >= 2 ? `${secret}-${index % 3}` : '',
    dst_service: index % 4 >= 2 ? `${secret}-service` : '',
    dst_service_ip: '10.96.0.9',
    dst_service_port: 443,
  };
}

/** Traffic between other namespaces, which is hidden from shop. */
function otherFlows({ secret, others }: StoreVariant): FlowRow[] {
  return Array.from({ length: others }, (_, index) => ({
    start_time: DAY_MS + index * 700,
    cluster: 'lab',
    node: `node-${secret}`,
    primary: true,
    src_kind: 'pod' as const,
    src_namespace: `${secret}-0`,
    src_name: `${secret}-pod`,
    src_workload: secret,
    src_labels: `app=${secret}`,
    src_ip: '10.9.0.1',
    dst_kind: index % 2 === 0 ? ('pod' as const) : ('external' as const),
    dst_namespace: index % 2 === 0 ? `${secret}-1` : '',
    dst_domain: index % 2 === 0 ? '' : `${secret}.example.com`,
    dst_network_sets: index % 2 === 0 ? '' : 'shop/partners',
    dst_ip: '10.9.0.2',
    dst_port: 9000 + index,
    bytes_out: 1e9,
    action: 'allow' as const,
    policies: `0|default|knp:${secret}-0/${secret}|allow|0`,
    transport_partition: 0,
    transport_offset: 1000 + index,
  }));
}

function lookups({ secret, others }: StoreVariant): WrittenDnsRow[] {
  const own = Array.from({ length: 60 }, (_, index) => ({
    start_time: DAY_MS + index * 1000,
    cluster: 'lab',
    node: index % 2 === 0 ? 'node-shop' : `node-${secret}`,
    primary: true,
    src_kind: 'pod' as const,
    src_namespace: 'shop',
    src_name: `web-${index % 5}`,
    src_workload: 'web',
    src_node: 'node-shop',
    src_ip: '10.0.0.1',
    src_port: 40_000 + index,
    query_name: `www${index % 4}.example.com`,
    query_type: 'A',
    answered: true,
    rcode: 'NOERROR' as const,
    answers: '198.51.100.1',
    transport_offset: index,
  }));
  const hidden = Array.from({ length: others }, (_, index) => ({
    start_time: DAY_MS + index * 900,
    cluster: 'lab',
    primary: true,
    src_kind: 'pod' as const,
    src_namespace: `${secret}-0`,
    src_name: secret,
    src_workload: secret,
    query_name: `${secret}.example.com`,
    query_type: 'AAAA',
    rcode: 'NXDOMAIN' as const,
    transport_offset: 1000 + index,
  }));
  return [...own, ...hidden];
}

/** Policies and the objects they depend on: those of shop, tiers, and those of other namespaces. */
function objects({ secret, others }: StoreVariant): ObjectVersion[] {
  const networking = 'networking.k8s.io/v1';
  const calico = 'projectcalico.org/v3';
  const allowAll = { podSelector: {}, policyTypes: ['Ingress'], ingress: [{}] };
  const secretPolicies = Array.from({ length: others }, (_, index) =>
    version(networking, 'NetworkPolicy', `${secret}-${index % 3}`, `${secret}-${index}`, allowAll),
  );
  return [
    version('v1', 'Namespace', '', 'shop'),
    version(networking, 'NetworkPolicy', 'shop', 'web', {
      podSelector: { matchLabels: { app: 'web' } },
      ingress: [{}],
    }),
    version(networking, 'NetworkPolicy', 'shop', 'web', { podSelector: {}, ingress: [] }, 3_600_000),
    version(calico, 'NetworkSet', 'shop', 'partners', { nets: ['203.0.113.0/24'] }),
    version(calico, 'Tier', '', 'security', { order: 100 }),
    ...[0, 1, 2].map((number) => version('v1', 'Namespace', '', `${secret}-${number}`)),
    version(calico, 'GlobalNetworkPolicy', '', `security.${secret}`, {
      tier: 'security',
      order: others,
      selector: `app == "${secret}"`,
      types: ['Egress'],
      egress: [{ action: 'Deny' }],
    }),
    version(calico, 'GlobalNetworkSet', '', secret, { nets: ['203.0.113.0/25'] }),
    version(calico, 'NetworkSet', `${secret}-0`, secret, { nets: ['203.0.113.9/32'] }),
    version('v1', 'ServiceAccount', `${secret}-0`, secret),
    version('v1', 'Node', '', `node-${secret}`),
    ...secretPolicies,
    ...otherClusters({ secret, others }).flatMap((cluster) =>
      [
        version('v1', 'Namespace', '', `${secret}-0`),
        version(calico, 'Tier', '', 'security', { order: 100 }),
        version(networking, 'NetworkPolicy', `${secret}-0`, secret, allowAll),
      ].map((object) => ({ ...object, cluster })),
    ),
  ];
}

/** Clusters without a namespace `shop`; their number differs between the variants. */
function otherClusters({ secret, others }: StoreVariant): string[] {
  return Array.from({ length: others > 100 ? 3 : 1 }, (_, number) => `${secret}-cluster-${number}`);
}

function version(
  apiVersion: string,
  kind: string,
  namespace: string,
  name: string,
  spec: object = {},
  afterMs = 0,
): ObjectVersion {
  const metadata = { name, ...(namespace !== '' && { namespace }), labels: { team: name } };
  return {
    ...{ cluster: 'lab', apiVersion, kind, namespace, name },
    version: `v${afterMs}`,
    changedAtMs: DAY_MS + afterMs,
    deleted: false,
    changedBy: 'kubectl',
    manifest: canonicalJson({ apiVersion, kind, metadata, spec }),
  };
}

function at(end: 'src' | 'dst', ip: string) {
  return { ip, address_class: end === 'src' ? 'private' : 'public' };
}

function prefixed(end: 'src' | 'dst', fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${end}_${name}`, value]));
}
