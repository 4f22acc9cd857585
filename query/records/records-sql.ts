import type { Access } from '../access/access.js';
import { SqlParameters } from '../sql/parameters.js';
import { type CursorPosition, sortFields } from './cursor.js';
import { fromWhere, type RecordQuery, tableOf } from './record-query.js';

export const recordsOrders = ['newest', 'oldest'] as const;
export type RecordsOrder = (typeof recordsOrders)[number];

export interface RecordsQuery extends RecordQuery {
  /** The fields to return, in this order. */
  readonly fields: readonly string[];
  readonly limit: number;
  readonly order: RecordsOrder;
  /** Where the previous page ended. */
  readonly after?: CursorPosition | undefined;
}

/** The statement that lists records by their start time, and its values. */
export function buildRecordsQuery(
  query: RecordsQuery,
  access: Access,
): { sql: string; parameters: SqlParameters } {
  const { kind, fields, limit, order, after } = query;
  const parameters = new SqlParameters();
  const sorted = sortFields(tableOf[kind]).map(({ name }) => name);
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  const names = [...new Set([...fields, ...sorted])];
  // The first column of the sorting key does not change the order, but lets the engine read in order and stop at the
  // limit, unless it buffers its reads.
  const orderBy = [...tableOf[kind].sortingKey.slice(0, 1), ...sorted];
  const sql = `SELECT ${names.join(', ')}
    ${fromWhere(query, access, parameters)}
    ${after ? `AND ${atOrAfter(query, after, parameters)}` : ''}
    ORDER BY ${orderBy.map((name) => `${name} ${direction}`).join(', ')}
    LIMIT ${parameters.add(limit, 'UInt32')} OFFSET ${parameters.add(after?.skipped ?? 0, 'UInt32')}
    SETTINGS read_in_order_use_buffering = 0`;
  return { sql, parameters };
}

/** Records at or after a position; some of those at the position were already returned. */
function atOrAfter(
  { kind, order }: RecordsQuery,
  { values }: CursorPosition,
  parameters: SqlParameters,
): string {
  const sorted = sortFields(tableOf[kind]);
  const sign = order === 'newest' ? '<=' : '>=';
  const placeholders = sorted.map(({ type }, index) => parameters.add(values[index], type));
  const names = sorted.map(({ name }) => name);
  // The first condition is implied by the second, but lets the engine skip data by the primary key.
  return `start_time ${sign} ${placeholders[0] ?? ''} AND (${names.join(', ')}) ${sign} (${placeholders.join(', ')})`;
}
