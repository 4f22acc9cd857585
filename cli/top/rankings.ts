import type { RecordKind } from '../client/records.js';

/** What rankings can be sorted by: the metric, and whether the values of groups add up to the total. */
export const MEASURES = {
  bytes: { metric: { function: 'sum', field: 'bytes', name: 'bytes' }, isAdditive: true },
  connections: {
    metric: { function: 'sum', field: 'connections_started', name: 'connections' },
    isAdditive: true,
  },
  retransmits: { metric: { function: 'sum', field: 'retransmits', name: 'retransmits' }, isAdditive: true },
  drops: { metric: { function: 'sum', field: 'dropped_packets', name: 'drops' }, isAdditive: true },
  rtt: { metric: { function: 'quantile', field: 'rtt_us', quantile: 0.95, name: 'rtt' }, isAdditive: false },
  lookups: { metric: { function: 'count', name: 'lookups' }, isAdditive: true },
  clients: { metric: { function: 'distinct', field: 'src.ip', name: 'clients' }, isAdditive: false },
  latency: {
    metric: { function: 'quantile', field: 'latency_us', quantile: 0.95, name: 'latency' },
    isAdditive: false,
  },
} as const;

export type Measure = keyof typeof MEASURES;

/** What can be ranked. */
export interface Ranking {
  /** Flows if absent. */
  readonly kind?: RecordKind;
  readonly groups: readonly string[];
  /** Which records have such a group at all. */
  readonly only?: string;
  /** The columns; the first is sorted by unless another is selected. */
  readonly measures: readonly [Measure, ...Measure[]];
}

const OF_FLOWS = ['bytes', 'connections', 'retransmits', 'drops', 'rtt'] as const;

export const RANKINGS = {
  pairs: { groups: ['src.end', 'dst.end'], measures: OF_FLOWS },
  clients: { groups: ['src.end'], measures: OF_FLOWS },
  servers: { groups: ['dst.end', 'protocol', 'dst.port'], measures: OF_FLOWS },
  namespaces: { groups: ['src.namespace', 'dst.namespace'], measures: OF_FLOWS },
  services: {
    groups: ['dst.service_namespace', 'dst.service'],
    only: 'dst.service != ""',
    measures: OF_FLOWS,
  },
  domains: { groups: ['dst.domain'], only: 'dst.domain != ""', measures: OF_FLOWS },
  ports: { groups: ['protocol', 'dst.port'], measures: OF_FLOWS },
  drops: {
    groups: ['drop_reason', 'src.end', 'dst.end'],
    only: 'dropped_packets > 0',
    measures: ['drops', 'bytes', 'connections', 'retransmits', 'rtt'],
  },
  dns: { kind: 'dns', groups: ['query_name', 'rcode'], measures: ['lookups', 'clients', 'latency'] },
} as const satisfies Readonly<Record<string, Ranking>>;
