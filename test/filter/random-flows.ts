import type { FlowRow } from '../builders/enriched-flows.js';
import type { Random } from '../builders/random-choices.js';

/** A flow with every field that random filters use. */
export type RandomFlow = Required<Pick<FlowRow, keyof typeof FIELDS>>;

/** Few values per field, so that filters match, including boundary values. */
export const NAMESPACES = ['', 'a', 'b', 'storefront', 'kube-system', 'ünïcødé', 'a.b'];
const LABELS = [
  '',
  'app=x',
  'app=x,tier=front',
  'app=,tier=x',
  'app.kubernetes.io/name=x,app=y',
  'xapp=x,myapp=z',
  'app=x=y,a=b',
  'app=🙂,tier=back',
];
export const SETS = ['', 'public', 'public,shop/office', 'office', 'not-public'];
export const DOMAINS = [
  '',
  'example.com',
  'www.example.com',
  'a.b.example.com',
  'example.com.evil.test',
  'x',
];
export const ADDRESSES = [
  '10.0.0.1',
  '10.0.0.2',
  '10.255.255.255',
  '11.0.0.0',
  '0.0.0.0',
  '255.255.255.255',
  '::',
  '::1',
  '::fffe:ffff:ffff',
  '::1:0:0:0',
  '2001:db8::1',
  '2001:db8:0:1::',
  'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
];
export const PORTS = [0, 1, 53, 80, 443, 8080, 65_535];
export const PROTOCOLS = [1, 6, 17, 58, 132, 136];
export const BYTES = [0, 1, 999, 1000, 1001, 1_000_000, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
export const TIMES = [0, 1000, 1_750_000_000_000, 1_750_000_000_001, 1_750_000_060_000];
const TRACES = [
  '',
  '0|security|gnp:block|pass|0',
  '0|security|gnp:security.block|pass|0,1|default|knp:a/web|allow|0',
  '0|default|np:b/web.v2|deny|-1',
  '0|platform|np:storefront/block|allow|1,1|__PROFILE__|pro:kns.a|allow|0',
];
export const KINDS = ['external', 'pod', 'node', 'host_network_pod', 'service', 'network_set'] as const;
export const ACTIONS = ['allow', 'deny', 'unknown'] as const;

const FIELDS = {
  start_time: TIMES,
  end_time: TIMES,
  primary: [true, false],
  contradiction: [true, false],
  src_ip: ADDRESSES,
  dst_ip: ADDRESSES,
  src_port: PORTS,
  dst_port: PORTS,
  protocol: PROTOCOLS,
  bytes_out: BYTES,
  bytes_in: BYTES,
  rtt_us: [0, 1, 500, 2 ** 32 - 1],
  src_kind: KINDS,
  dst_kind: KINDS,
  src_namespace: NAMESPACES,
  dst_namespace: NAMESPACES,
  src_workload: NAMESPACES,
  dst_workload: NAMESPACES,
  src_labels: LABELS,
  dst_labels: LABELS,
  src_network_sets: SETS,
  dst_network_sets: SETS,
  src_domain: DOMAINS,
  dst_domain: DOMAINS,
  action: ACTIONS,
  policies: TRACES,
} as const;

/** A random flow; `number` is its offset, which identifies it in results. */
export function randomFlow(number: number, random: Random): RandomFlow & FlowRow {
  const fields = Object.entries(FIELDS).map(([name, values]) => [name, random.pick<unknown>(values)]);
  return { ...(Object.fromEntries(fields) as RandomFlow), transport_offset: number };
}
