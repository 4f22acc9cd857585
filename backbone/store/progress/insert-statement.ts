import { tablePartition } from '../schema/record-tables.js';

/** The table of an insert. */
export interface InsertTarget {
  readonly name: string;
}

/** The columns with a row's position in the transport. */
export const offsetColumns = 'transport_partition, transport_offset';

/**
 * An INSERT of a block's rows into a table. They are one Arrow record batch and therefore one block of the engine, which
 * makes one part per table partition, however many days the records span.
 * @param source the table function after FROM.
 * @param conditions conditions on each row, or on the whole insert.
 */
export function insertRows(
  table: InsertTarget,
  columns: readonly string[],
  source: string,
  conditions: readonly string[] = [],
): string {
  const where = conditions.length > 0 ? `\n    WHERE ${conditions.join('\n      AND ')}` : '';
  return `INSERT INTO ${table.name} (${columns.join(', ')}) SETTINGS max_partitions_per_insert_block = 0
    SELECT ${columns.join(', ')} FROM ${source}${where}`;
}

/**
 * The condition that a row of a block is not stored yet. A part is stored completely or not at all, so if one row of an
 * offset is stored, all its rows in the same table partition are.
 * @param offsets a condition that matches the block's offsets and few others.
 * @param times a condition that matches the times of the block's rows; the table is sorted by time.
 */
export function notStored(table: InsertTarget, offsets: string, times: string): string {
  return `(${tablePartition}, ${offsetColumns}) NOT IN (
        SELECT ${tablePartition}, ${offsetColumns} FROM ${table.name} WHERE ${times} AND ${offsets})`;
}
