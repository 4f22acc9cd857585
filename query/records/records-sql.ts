import type { Access } from '../access/access.js';
import { SqlParameters } from '../sql/parameters.js';
import { type CursorPlace, sortFields } from './cursor.js';
import { fromWhere, type RecordQuery, tableOf } from './record-query.js';

export const recordsOrders = ['newest', 'oldest'] as const;
export type RecordsOrder = (typeof recordsOrders)[number];

export interface RecordsQuery extends RecordQuery {
  /** The fields to give, in this order. */
  readonly fields: readonly string[];
  readonly limit: number;
  readonly order: RecordsOrder;
  /** Where a former page ended. */
  readonly after?: CursorPlace | undefined;
}

/** The statement that lists records by their start, and its values. */
export function buildRecordsQuery(
  query: RecordsQuery,
  access: Access,
): { sql: string; parameters: SqlParameters } {
  const { kind, fields, limit, order, after } = query;
  const parameters = new SqlParameters();
  const sorted = sortFields(tableOf[kind]).map(({ name }) => name);
  const direction = order === 'newest' ? 'DESC' : 'ASC';
  const names = [...new Set([...fields, ...sorted])];
  // What rows lie in the order of comes first: it changes no order, but by it the engine stops when it has enough,
  // unless it reads ahead into buffers.
  const orderBy = [...tableOf[kind].sortingKey.slice(0, 1), ...sorted];
  const sql = `SELECT ${names.join(', ')}
    ${fromWhere(query, access, parameters)}
    ${after ? `AND ${atOrBehind(query, after, parameters)}` : ''}
    ORDER BY ${orderBy.map((name) => `${name} ${direction}`).join(', ')}
    LIMIT ${parameters.add(limit, 'UInt32')} OFFSET ${parameters.add(after?.given ?? 0, 'UInt32')}
    SETTINGS read_in_order_use_buffering = 0`;
  return { sql, parameters };
}

/** Records at a place or behind it; of those at the place itself, some were given. */
function atOrBehind(
  { kind, order }: RecordsQuery,
  { values }: CursorPlace,
  parameters: SqlParameters,
): string {
  const sorted = sortFields(tableOf[kind]);
  const sign = order === 'newest' ? '<=' : '>=';
  const placeholders = sorted.map(({ type }, index) => parameters.add(values[index], type));
  const names = sorted.map(({ name }) => name);
  // The first condition says no more than the second, but the engine finds by it what need not be read.
  return `start_time ${sign} ${placeholders[0] ?? ''} AND (${names.join(', ')}) ${sign} (${placeholders.join(', ')})`;
}
