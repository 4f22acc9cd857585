import { syntheticCluster } from '../synthetic/cluster.js';
import { choose, randomNumbers } from '../../builders/random.js';

/** A request to the API; without a body it is a GET. */
export interface Request {
  readonly path: string;
  readonly body?: object;
}

/** A dashboard. */
export interface Dashboard {
  readonly range: Range;
  /** The namespace of all panels; undefined for all namespaces. */
  readonly namespace: string | undefined;
}

export interface Range {
  readonly from: string;
  /** The interval of time series, as Grafana chooses it. */
  readonly interval: string;
}

/** The number of users per time range, of twenty; Grafana's default is six hours. */
const RANGES: readonly (readonly [people: number, range: Range])[] = [
  [5, { from: '-15m', interval: '15s' }],
  [6, { from: '-1h', interval: '1m' }],
  [5, { from: '-6h', interval: '5m' }],
  [3, { from: '-1d', interval: '15m' }],
  [1, { from: '-3d', interval: '1h' }],
];

/** Dashboards of this many users: half show all namespaces, the others one of a hundred. */
export function dashboards(people: number): Dashboard[] {
  const random = randomNumbers(1);
  const { namespaces } = syntheticCluster();
  const ranges = RANGES.flatMap(([count, range]) => Array.from({ length: count }, () => range));
  return Array.from({ length: people }, (_, person) => ({
    range: choose(ranges, random),
    namespace: person % 2 === 0 ? undefined : choose(namespaces, random),
  }));
}

/** The requests of a dashboard's panels. */
export function panels({ range: { from, interval }, namespace }: Dashboard): Request[] {
  const filter = namespace === undefined ? '' : `either(namespace == "${namespace}")`;
  const and = (more: string) => (filter === '' ? more : `${filter} && ${more}`);
  const query = (body: object) => ({ path: '/api/v1/query', body: { from, filter, ...body } });
  const get = (path: string, parameters: Record<string, string>) => ({
    path: `/api/v1/${path}?${new URLSearchParams({ from, ...parameters }).toString()}`,
  });
  const bytes = { function: 'rate', field: 'bytes' };
  return [
    query({ metrics: [bytes, { function: 'count' }], interval }),
    query({ metrics: [bytes], groupBy: ['src.namespace', 'dst.namespace'], interval, limit: 10 }),
    query({ metrics: [{ function: 'count' }], groupBy: ['action', 'evidence'], interval }),
    query({ metrics: [{ function: 'sum', field: 'dropped_packets' }], groupBy: ['drop_reason'], interval }),
    query({ metrics: [bytes], groupBy: ['src.workload'], limit: 10 }),
    query({
      metrics: [{ function: 'quantile', field: 'rtt_us', quantile: 0.95 }],
      groupBy: ['dst.workload'],
      limit: 20,
    }),
    query({
      metrics: [{ function: 'count' }],
      filter: and('action == "deny"'),
      groupBy: ['src.workload', 'dst.workload'],
      limit: 20,
    }),
    get('graph', { level: namespace === undefined ? 'namespace' : 'workload', filter }),
    get('flows', { filter: and('action == "deny"'), limit: '100' }),
    get('flows', {
      filter,
      limit: '100',
      fields: 'start_time,src.workload,dst.workload,dst.port,action,bytes_out',
    }),
    get('fields/src.namespace/values', { containing: 'pay' }),
  ];
}
