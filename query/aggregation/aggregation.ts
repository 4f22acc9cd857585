import type { QueryLimits } from '../limits/query-limits.js';
import { invalidQuery, type ParameterError } from '../errors.js';
import { type RecordQuery, tableOf } from '../records/record-query.js';
import { parseDuration } from '../time-range.js';
import { type Group, readGroup } from './group.js';
import { type Metric, type MetricRequest, readMetric } from './metrics.js';

/** An aggregation as requests have it. */
export interface AggregationRequest {
  readonly metrics: readonly MetricRequest[];
  readonly groupBy: readonly string[];
  readonly interval?: string;
  readonly order?: { readonly by?: string; readonly direction: 'descending' | 'ascending' };
  readonly limit: number;
  readonly records: 'primary' | 'all';
}

/** Metrics of groups of records, optionally per time bucket. */
export interface Aggregation {
  readonly metrics: readonly Metric[];
  readonly groups: readonly Group[];
  /** Length of the time buckets; without it, one value for the whole range. */
  readonly intervalMs: number | undefined;
  /** Sort key of the groups: the index of a metric or of a group. */
  readonly order: {
    readonly by: 'metric' | 'group';
    readonly index: number;
    readonly direction: 'ASC' | 'DESC';
  };
  /** Maximum number of groups. */
  readonly limit: number;
  readonly records: 'primary' | 'all';
}

/** With time buckets, a response may have this many times as many rows as without. */
const BUCKETS_PER_ROW = 10;

/**
 * Parses and checks an aggregation.
 * @throws QueryError SONDE_INVALID_PARAMETER with everything that is wrong with it.
 */
export function readAggregation(
  request: AggregationRequest,
  { kind, range }: RecordQuery,
  limits: QueryLimits,
): Aggregation {
  const { fields } = tableOf[kind];
  const errors: ParameterError[] = [];
  const take = <Value extends object>(read: Value | ParameterError): Value[] => {
    if (!('parameter' in read)) return [read];
    errors.push(read);
    return [];
  };
  const metrics = request.metrics.flatMap((one, at) => take(readMetric(one, fields, `metrics/${at}`)));
  const groups = request.groupBy.flatMap((text, at) => take(readGroup(text, fields, `groupBy/${at}`)));
  const intervalMs = request.interval === undefined ? undefined : parseDuration(request.interval);
  if (request.interval !== undefined && intervalMs === undefined) {
    errors.push({ parameter: 'interval', reason: 'not a duration: use a form such as 30s, 5m, 1h or 1d' });
  }
  const names = [TIME, ...groups.map(({ name }) => name), ...metrics.map(({ name }) => name)];
  for (const name of names.filter((one, at) => names.indexOf(one) < at)) {
    errors.push({ parameter: 'metrics', reason: `two columns have the name ${name}: set \`name\` of one` });
  }
  const buckets = intervalMs === undefined ? 1 : Math.ceil((range.to - range.from) / intervalMs) + 1;
  const maxGroups = request.groupBy.length === 0 ? 1 : request.limit;
  if (buckets * maxGroups > limits.rows * (intervalMs === undefined ? 1 : BUCKETS_PER_ROW)) {
    errors.push({
      parameter: 'limit',
      reason: `${buckets} time buckets of ${maxGroups} groups are too many: use a longer interval or fewer groups`,
    });
  }
  const by = request.order?.by ?? metrics[0]?.name;
  const metric = metrics.findIndex(({ name }) => name === by);
  const group = groups.findIndex(({ name }) => name === by?.replace(/^(src|dst)\./, '$1_'));
  if (metric < 0 && group < 0 && errors.length === 0) {
    errors.push({ parameter: 'order/by', reason: `there is no metric or group with the name ${by ?? ''}` });
  }
  if (errors.length > 0) throw invalidQuery(errors);
  return {
    metrics,
    groups,
    intervalMs,
    order: {
      ...(metric < 0 ? { by: 'group', index: group } : { by: 'metric', index: metric }),
      direction: request.order?.direction === 'ascending' ? 'ASC' : 'DESC',
    },
    limit: request.limit,
    records: request.records,
  };
}

/** Name of the time column. */
export const TIME = 'time';
