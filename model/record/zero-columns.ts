import { bytesPerRow, type ColumnByType, columnIn, type Column } from './columns.js';
import type { FieldType } from './field.js';

/** The memory that all zero columns share; replaced by a larger one on demand. */
let zeros = new ArrayBuffer(2 ** 20);
const allZeros = new WeakSet<ArrayBufferLike>([zeros]);

/**
 * A read-only column of `rows` rows, all zero or empty. All zero columns share their memory: most columns of most batches
 * are zero (no drop, no tunnel, no ICMP), and allocating and collecting memory for each costs more than processing it.
 */
export function zeroColumn<Type extends FieldType>(type: Type, rows: number): ColumnByType[Type] {
  const bytes = rows * bytesPerRow[type];
  if (bytes > zeros.byteLength) {
    zeros = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
    allZeros.add(zeros);
  }
  return columnIn(type, rows, zeros);
}

/** Whether a column came from {@link zeroColumn}; other columns may also be all zero. */
export function isZeroColumn(column: Column): boolean {
  if (!('dictionary' in column)) return allZeros.has(column.buffer);
  return allZeros.has(column.indexes.buffer) && column.dictionary.length === 1 && column.dictionary[0] === '';
}
