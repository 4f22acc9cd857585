import { dnsTable, flowsTable, type RecordTable } from '@sonde/backbone/store/schema/record-tables';
import type { QueryOptions } from '@sonde/backbone/store/store';
import { FilterError } from '@sonde/model/filter/errors';
import type { Filter } from '@sonde/model/filter/filter';
import { parseFilter } from '@sonde/model/filter/parse';
import { filterSql, timeText } from '@sonde/model/filter/sql';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { Access } from '../access/access.js';
import { visibleRecords } from '../access/visible.js';
import { checkTimeRange } from '../limits/bounded-time-range.js';
import type { QueryLimits } from '../limits/query-limits.js';
import { invalidQuery, type ParameterError } from '../errors.js';
import type { QueryContext } from '../context/query-context.js';
import { offsetSql } from '../sql/offset.js';
import type { SqlParameters } from '../sql/parameters.js';
import { parseTimeRange, type TimeRange, type TimeRangeParameters, timeRangeSchema } from '../time-range.js';

/** The kinds of records. */
export const recordKinds = ['flows', 'dns'] as const;
export type RecordKind = (typeof recordKinds)[number];

/** The table of each kind. */
export const tableOf: Readonly<Record<RecordKind, RecordTable>> = { flows: flowsTable, dns: dnsTable };

/** Selects the records of a kind that are in a time range and match a filter. */
export interface RecordQuery {
  readonly kind: RecordKind;
  readonly range: TimeRange;
  readonly filter: Filter;
}

/** A record query as requests have it. */
export interface RecordQueryParameters extends TimeRangeParameters {
  readonly filter: string;
}

/** Maximum length of a filter, in characters. */
const MAX_FILTER_LENGTH = 8192;

/** The JSON schema of {@link RecordQueryParameters}' properties. */
export const recordQuerySchema = {
  ...timeRangeSchema,
  filter: {
    type: 'string',
    maxLength: MAX_FILTER_LENGTH,
    default: '',
    description: 'Selects records by a CEL expression over their fields; empty selects all (docs/filter.md)',
    examples: ['src.namespace == "storefront"', 'src.labels["app"] == "backend"'],
  },
} as const;

/**
 * Parses and checks a record query.
 * @throws QueryError SONDE_INVALID_PARAMETER with everything that is wrong with it.
 */
export function parseRecordQuery(
  kind: RecordKind,
  parameters: RecordQueryParameters,
  limits: QueryLimits,
): RecordQuery {
  const range = parseTimeRange(parameters, Date.now());
  const filter = parseFilterParameter(parameters.filter, tableOf[kind].fields);
  const errors = [...('from' in range ? [] : range), ...('kind' in filter ? [] : [filter])];
  if (!('from' in range) || !('kind' in filter)) throw invalidQuery(errors);
  checkTimeRange(range, limits);
  return { kind, range, filter };
}

/**
 * Parses a record query for an aggregation. Its `now` advances in intervals of {@link freshMs}, so that equal requests
 * within an interval have equal time ranges and share a result.
 * @throws QueryError SONDE_INVALID_PARAMETER with everything that is wrong with it.
 */
export function parseAggregateQuery(
  kind: RecordKind,
  parameters: RecordQueryParameters,
  limits: QueryLimits,
): RecordQuery {
  const query = parseRecordQuery(kind, parameters, limits);
  const now = Date.now();
  const range = parseTimeRange(parameters, now - (now % freshMs(query.range)));
  return 'from' in range ? { ...query, range } : query;
}

/**
 * Maximum age of an aggregation, in whole milliseconds: a thousandth of the range, which is invisible in a chart of it,
 * at least 1 ms and at most ten seconds.
 */
function freshMs({ from, to }: TimeRange): number {
  return Math.min(Math.max(1, Math.floor((to - from) / 1000)), MAX_FRESH_MS);
}

const MAX_FRESH_MS = 10_000;

/** Parses a filter; returns what is wrong with it if it is invalid. */
export function parseFilterParameter(
  text: string,
  fields: readonly FieldDeclaration[],
): Filter | ParameterError {
  try {
    return parseFilter(text, fields);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { message, start, end, nearest } = error;
    return { parameter: 'filter', reason: message, nearest, start, end };
  }
}

/** `FROM … WHERE …` of a query's visible records; more conditions can follow with AND. */
export function fromWhere(
  { kind, range, filter }: RecordQuery,
  access: Access,
  parameters: SqlParameters,
): string {
  const time = (ms: number) => parameters.add(timeText(ms), "DateTime64(3, 'UTC')");
  const condition = filterSql(filter, parameters);
  const offsets = range.storedOffsets?.[kind];
  const stored = offsets ? ` AND transport_offset <= ${offsetSql(offsets, parameters)}` : '';
  return `FROM ${visibleRecords(kind, access, parameters)}
    WHERE start_time >= ${time(range.from)} AND start_time < ${time(range.to)}${stored} AND ${condition}`;
}

/** Runs a statement within the limits; canceled when the client disconnects. */
export function select<Row>(context: QueryContext, sql: string, parameters: SqlParameters): Promise<Row[]> {
  return context.store.query<Row>(sql, parameters.values, optionsOf(context));
}

/** Runs an aggregation; clients that run the same one at the same time share its rows. */
export function selectAggregates<Row>(
  context: QueryContext,
  { range }: RecordQuery,
  sql: string,
  parameters: SqlParameters,
): Promise<readonly Row[]> {
  return context.cache.query<Row>(sql, parameters, freshMs(range), optionsOf(context));
}

function optionsOf({ limits, signal }: QueryContext): QueryOptions {
  const settings = { max_execution_time: limits.querySeconds, max_memory_usage: limits.queryBytes };
  return { signal, settings };
}
