import { bytesPerRow, type ColumnByType, columnIn, type Column } from './columns.js';
import type { FieldType } from './field.js';

/** The memory that all columns of zeros share; a longer one takes its place when need be. */
let zeros = new ArrayBuffer(2 ** 20);
const allZeros = new WeakSet<ArrayBufferLike>([zeros]);

/**
 * A column of `rows` rows, all zero or empty, that must not be written: all such columns share their memory. Most
 * columns of most batches are like that (no drop, no tunnel, no ICMP), and memory for each of them, zeroed by the kernel
 * and collected again, costs more than the work on it.
 */
export function zeroColumn<Type extends FieldType>(type: Type, rows: number): ColumnByType[Type] {
  const bytes = rows * bytesPerRow[type];
  if (bytes > zeros.byteLength) {
    zeros = new ArrayBuffer(2 ** Math.ceil(Math.log2(bytes)));
    allZeros.add(zeros);
  }
  return columnIn(type, rows, zeros);
}

/** Whether a column came from {@link zeroColumn}; others may be all zero, too. */
export function isZeroColumn(column: Column): boolean {
  if (!('dictionary' in column)) return allZeros.has(column.buffer);
  return allZeros.has(column.indexes.buffer) && column.dictionary.length === 1 && column.dictionary[0] === '';
}
