import { columnType, flowsTable } from '@sonde/backbone/store/schema';
import { flowFields } from '@sonde/model/flow/fields';
import type { TimeRange } from '../time-range.js';
import { clickhouseTime, type FieldFilter } from './field-filter.js';

export interface FlowsQuery {
  readonly range: TimeRange;
  readonly filters: readonly FieldFilter[];
  readonly limit: number;
  readonly order: FlowsOrder;
}

export const flowsOrders = ['newest', 'oldest'] as const;
export type FlowsOrder = (typeof flowsOrders)[number];

/** Seconds after which the engine gives up a query. */
export const QUERY_SECONDS = 20;

/**
 * The statement that lists flows by their start, and its parameters. Its text holds names and types from the field
 * declaration only; every value is a parameter.
 */
export function buildFlowsQuery({ range, filters, limit, order }: FlowsQuery): {
  sql: string;
  parameters: Record<string, unknown>;
} {
  const conditions = [
    "start_time >= {from:DateTime64(3, 'UTC')}",
    "start_time < {to:DateTime64(3, 'UTC')}",
    ...filters.map(({ field }) => `${field.name} IN {field_${field.name}:Array(${columnType(field)})}`),
  ];
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  const sql = `SELECT ${flowFields.map((field) => field.name).join(', ')}
    FROM ${flowsTable.name}
    WHERE ${conditions.join(' AND ')}
    ORDER BY ${sortFields.map((name) => `${name} ${direction}`).join(', ')}
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

/** By time, and flows of one time always in the same order. */
const sortFields = [
  'start_time',
  'transport_partition',
  'transport_offset',
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
];
