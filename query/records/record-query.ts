import { dnsTable, flowsTable, type RecordTable } from '@sonde/backbone/store/schema/record-tables';
import type { QueryOptions } from '@sonde/backbone/store/store';
import { FilterError } from '@sonde/model/filter/errors';
import type { Filter } from '@sonde/model/filter/filter';
import { parseFilter } from '@sonde/model/filter/parse';
import { filterSql, timeText } from '@sonde/model/filter/sql';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { Access } from '../access/access.js';
import { visibleRecords } from '../access/visible.js';
import { checkRange, type QueryLimits } from '../limits/query-limits.js';
import { invalidQuery, type ParameterError } from '../errors.js';
import type { QueryContext } from '../context/query-context.js';
import type { SqlParameters } from '../sql/parameters.js';
import { parseTimeRange, type TimeRange, timeRangeSchema } from '../time-range.js';

/** The kinds of records that questions are asked about. */
export const recordKinds = ['flows', 'dns'] as const;
export type RecordKind = (typeof recordKinds)[number];

/** The table of each kind. */
export const tableOf: Readonly<Record<RecordKind, RecordTable>> = { flows: flowsTable, dns: dnsTable };

/** Which records a request is about: those of a kind, in a time range, that pass a filter. */
export interface RecordQuery {
  readonly kind: RecordKind;
  readonly range: TimeRange;
  readonly filter: Filter;
}

/** A question's parameters as they come. */
export interface RecordQueryParameters {
  readonly from?: string | undefined;
  readonly to: string;
  readonly filter: string;
}

/** A question's parameters as a JSON schema's properties. */
export const recordQuerySchema = {
  ...timeRangeSchema,
  filter: {
    type: 'string',
    maxLength: 8192,
    default: '',
    description:
      'Which records, as an expression of CEL over their fields; all of them if empty (docs/filter.md)',
    examples: ['src.namespace == "storefront" && action == "deny"', 'either(labels["app"] == "backend")'],
  },
} as const;

/**
 * Reads the question that parameters ask.
 * @throws QueryError SONDE_INVALID_PARAMETER that says all that is wrong with them.
 */
export function parseRecordQuery(
  kind: RecordKind,
  parameters: RecordQueryParameters,
  limits: QueryLimits,
): RecordQuery {
  const range = parseTimeRange(parameters, Date.now());
  const filter = readFilter(parameters.filter, tableOf[kind].fields);
  const errors = [...('from' in range ? [] : range), ...('kind' in filter ? [] : [filter])];
  if (!('from' in range) || !('kind' in filter)) throw invalidQuery(errors);
  checkRange(range, limits);
  return { kind, range, filter };
}

/**
 * Reads a question that records are summed up for. Its `now` goes on in steps of {@link freshMs}, so that those who ask the
 * same a moment later ask for the same times, and can be given the same answer.
 * @throws QueryError SONDE_INVALID_PARAMETER that says all that is wrong with them.
 */
export function parseAggregateQuery(
  kind: RecordKind,
  parameters: RecordQueryParameters,
  limits: QueryLimits,
): RecordQuery {
  const question = parseRecordQuery(kind, parameters, limits);
  const now = Date.now();
  const range = parseTimeRange(parameters, now - (now % freshMs(question.range)));
  return 'from' in range ? { ...question, range } : question;
}

/**
 * How old the sums of a range may be, in whole milliseconds from 1 on: a thousandth of the range, which no picture of it shows,
 * and ten seconds at most.
 */
function freshMs({ from, to }: TimeRange): number {
  return Math.min(Math.max(1, Math.floor((to - from) / 1000)), MAX_FRESH_MS);
}

const MAX_FRESH_MS = 10_000;

/** A filter, or what is wrong with its text. */
export function readFilter(text: string, fields: readonly FieldDeclaration[]): Filter | ParameterError {
  try {
    return parseFilter(text, fields);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { message, start, end, nearest } = error;
    return { parameter: 'filter', reason: message, nearest, start, end };
  }
}

/** `FROM … WHERE …` of a question's records, as far as they may be seen; more conditions can follow with AND. */
export function fromWhere(
  { kind, range, filter }: RecordQuery,
  access: Access,
  parameters: SqlParameters,
): string {
  const time = (ms: number) => parameters.add(timeText(ms), "DateTime64(3, 'UTC')");
  const condition = filterSql(filter, parameters);
  return `FROM ${visibleRecords(kind, access, parameters)}
    WHERE start_time >= ${time(range.from)} AND start_time < ${time(range.to)} AND ${condition}`;
}

/** Runs a statement within the limits, until the reader disconnects. */
export function select<Row>(context: QueryContext, sql: string, parameters: SqlParameters): Promise<Row[]> {
  return context.store.query<Row>(sql, parameters.values, optionsOf(context));
}

/** Runs an aggregation over a range: readers who run the same one at the same time share its rows. */
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
