import type { Access } from '../access/access.js';
import { fromWhere, type RecordQuery } from '../records/record-query.js';
import { mergedSql, resultSql, stateSql } from '../sql/aggregate-function.js';
import { SqlParameters } from '../sql/parameters.js';
import type { Aggregation } from './aggregation.js';
import { groupSql, isLowCardinality } from './group.js';
import { type MetricAggregate, metricFunction } from './metrics.js';

/** A statement and its values. */
export interface Statement {
  readonly sql: string;
  readonly parameters: SqlParameters;
}

/**
 * The statement of an aggregation. Its columns are `t` (start of the time bucket in milliseconds since 1970), `g0` …,
 * `m0` …, and `more` (whether there are more groups than the limit). With time buckets, the groups are the top groups
 * of the whole range, the same in every bucket.
 */
export function aggregationSql(query: RecordQuery, aggregation: Aggregation, access: Access): Statement {
  const parts = partsOf(query, aggregation, access);
  return { sql: sqlOf(parts, aggregation), parameters: parts.parameters };
}

/** The parts that all forms of the statement share. */
interface Parts {
  readonly parameters: SqlParameters;
  readonly where: string;
  /** The groups as SQL expressions. */
  readonly keys: readonly string[];
  readonly metrics: readonly MetricAggregate[];
  /** Placeholder of the maximum number of groups. */
  readonly limit: string;
}

function partsOf(query: RecordQuery, aggregation: Aggregation, access: Access): Parts {
  const parameters = new SqlParameters();
  const primary = aggregation.records === 'primary' ? ' AND primary = true' : '';
  return {
    parameters,
    where: `${fromWhere(query, access, parameters)}${primary}`,
    keys: aggregation.groups.map((group) => groupSql(group, parameters)),
    metrics: aggregation.metrics.map((metric) => metricFunction(metric, parameters)),
    limit: parameters.add(aggregation.limit, 'UInt32'),
  };
}

function sqlOf(parts: Parts, { intervalMs, order, groups }: Aggregation): string {
  const { parameters, where, keys, metrics } = parts;
  const values = metrics.map(resultSql);
  if (intervalMs === undefined) return `SELECT ${columns(keys, values)} ${where} ${topGroups(parts, order)}`;
  const interval = parameters.add(intervalMs, 'Int64');
  const time = `intDiv(toUnixTimestamp64Milli(start_time), ${interval}) * ${interval} AS t`;
  if (keys.length === 0) return `SELECT ${time}, ${columns([], values)} ${where} GROUP BY t ORDER BY t`;
  return metrics.every(({ isConstantSize }) => isConstantSize) && groups.every(isLowCardinality)
    ? bucketsInOnePass(parts, order, time)
    : bucketsOfTopGroups(parts, order, time);
}

/**
 * Aggregates every bucket of every group, then merges the buckets to find the top groups. Takes five times as long as
 * {@link bucketsOfTopGroups} with ten thousand groups, and half as long with a few hundred.
 */
function bucketsInOnePass({ where, keys, metrics, limit }: Parts, order: Order, time: string): string {
  const groups = keys.map((_, at) => `g${at}`);
  const states = metrics.map((metric, at) => `${stateSql(metric)} AS s${at}`);
  const byBucket = `SELECT ${[time, ...named(keys, 'g'), ...states].join(', ')} ${where}
    GROUP BY ${['t', ...groups].join(', ')}`;
  const metric = metrics[order.index];
  const chosen = order.by === 'metric' && metric ? mergedSql(metric, `s${order.index}`) : `g${order.index}`;
  const byGroup = `SELECT ${groups.join(', ')}, groupArray((${['t', ...metrics.map((_, at) => `s${at}`)].join(', ')})) AS buckets,
      count() OVER () > ${limit} AS more
    FROM (${byBucket}) GROUP BY ${groups.join(', ')} ORDER BY ${ordered(chosen, order, groups)} LIMIT ${limit}`;
  const values = metrics.map((_, at) => `finalizeAggregation(bucket.${at + 2}) AS m${at}`);
  return `SELECT ${['bucket.1 AS t', ...groups, ...values, 'more'].join(', ')}
    FROM (${byGroup}) ARRAY JOIN buckets AS bucket ORDER BY ${['t', ...groups].join(', ')}`;
}

/** Finds the top groups, then aggregates only their buckets: for many groups, or metrics with large states. */
function bucketsOfTopGroups(parts: Parts, order: Order, time: string): string {
  const { where, keys, metrics, limit } = parts;
  const tuple = `tuple(${keys.join(', ')})`;
  const groupBy = ['t', ...keys].join(', ');
  const values = metrics.map(resultSql);
  return `WITH (SELECT groupArray(k) FROM (SELECT ${tuple} AS k ${where} ${topGroups(parts, order)})) AS top
    SELECT ${time}, ${columns(keys, values)}, length(top) > ${limit} AS more ${where}
    AND ${tuple} IN (SELECT arrayJoin(arraySlice(top, 1, ${limit})))
    GROUP BY ${groupBy} ORDER BY ${groupBy}`;
}

/** Selects the top groups and one more. */
function topGroups({ keys, metrics, limit }: Parts, order: Order): string {
  const metric = metrics[order.index];
  const chosen = order.by === 'metric' && metric ? resultSql(metric) : (keys[order.index] ?? '');
  const groupBy = keys.length > 0 ? `GROUP BY ${keys.join(', ')}` : '';
  return `${groupBy} ORDER BY ${ordered(chosen, order, keys)} LIMIT ${limit} + 1`;
}

type Order = Aggregation['order'];

function ordered(chosen: string, { direction }: Order, keys: readonly string[]): string {
  return [`${chosen} ${direction} NULLS LAST`, ...keys].join(', ');
}

function columns(keys: readonly string[], values: readonly string[]): string {
  return [...named(keys, 'g'), ...named(values, 'm')].join(', ');
}

function named(expressions: readonly string[], letter: string): string[] {
  return expressions.map((expression, at) => `${expression} AS ${letter}${at}`);
}
