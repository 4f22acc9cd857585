import { columnType } from '@sonde/backbone/store/schema';
import type { FieldDeclaration } from '@sonde/model/flow/field';
import type { TimeRange } from '../time-range.js';
import { clickhouseTime, type FieldFilter } from './field-filter.js';

export interface RecordsQuery {
  readonly range: TimeRange;
  readonly filters: readonly FieldFilter[];
  readonly limit: number;
  readonly order: RecordsOrder;
}

export const recordsOrders = ['newest', 'oldest'] as const;
export type RecordsOrder = (typeof recordsOrders)[number];

/** Seconds after which the engine gives up a query. */
export const QUERY_SECONDS = 20;

/**
 * The statement that lists records by their start, and its parameters; `records` is what `visibleRecords` gave. Its text holds names and types from
 * the field declaration only; every value is a parameter.
 */
export function buildRecordsQuery(
  fields: readonly FieldDeclaration[],
  records: string,
  { range, filters, limit, order }: RecordsQuery,
): { sql: string; parameters: Record<string, unknown> } {
  const conditions = [
    "start_time >= {from:DateTime64(3, 'UTC')}",
    "start_time < {to:DateTime64(3, 'UTC')}",
    ...filters.map(({ field }) => `${field.name} IN {field_${field.name}:Array(${columnType(field)})}`),
  ];
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  const sql = `SELECT ${fields.map((field) => field.name).join(', ')}
    FROM ${records}
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${sortFields
      .filter((one) => fields.some((field) => field.name === one))
      .map((one) => `${one} ${direction}`)
      .join(', ')}
    LIMIT {limit:UInt32}
    SETTINGS max_execution_time = ${QUERY_SECONDS}`;
  const parameters = {
    from: clickhouseTime(range.from),
    to: clickhouseTime(range.to),
    limit,
    ...Object.fromEntries(filters.map(({ field, values }) => [`field_${field.name}`, values])),
  };
  return { sql, parameters };
}

/** By time, and records of one time always in the same order, by as many of these fields as they have. */
const sortFields = [
  'start_time',
  'transport_partition',
  'transport_offset',
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
  'query_name',
  'query_type',
];
