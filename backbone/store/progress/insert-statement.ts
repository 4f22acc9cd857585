import { tablePartition } from '../schema/record-tables.js';

/** What is needed to name a table in an insert. */
export interface InsertTarget {
  readonly name: string;
}

/** The columns that say where in the transport a row came from. */
export const offsetColumns = 'transport_partition, transport_offset';

/**
 * Inserts a block's rows of a table. They are one Arrow record batch and so one block of the engine, of which it makes
 * one part for each of the table's partitions, however many days the records touch.
 * @param source what stands after FROM and gives the rows.
 * @param conditions what else must hold of a row, or of everything, for it to be inserted.
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
 * The condition that a row of a block is not stored yet. A part is stored whole or not at all, so one stored row of an
 * offset tells of all its rows in the same partition of the table.
 * @param offsets a condition that holds of the block's offsets, and of few others.
 * @param times one that holds of the times of the block's rows: the table lies in their order.
 */
export function notStored(table: InsertTarget, offsets: string, times: string): string {
  return `(${tablePartition}, ${offsetColumns}) NOT IN (
        SELECT ${tablePartition}, ${offsetColumns} FROM ${table.name} WHERE ${times} AND ${offsets})`;
}
