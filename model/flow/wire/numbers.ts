import { halvesOf, readWide, writeWide } from '../wide.js';
import type { Width } from './format.js';

/** A column's numbers as they travel: row `r` is `base` plus the r-th little-endian number of `width` bytes. */
export interface PackedNumbers {
  readonly base: number;
  readonly width: Width;
  readonly bytes: Uint8Array;
}

/** The arrays that columns of numbers are. */
export type NumberColumn = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

/**
 * Packs numbers into the least width that holds them, after taking the least number off where that makes them
 * narrower. What is as narrow as it can be already is not copied. Typed arrays are little-endian on every platform
 * that Node.js runs on.
 */
export function packNumbers(column: NumberColumn): PackedNumbers {
  return column instanceof BigUint64Array ? packWide(column) : packNarrow(column);
}

const NOTHING = new Uint8Array(0);

function packNarrow(column: Exclude<NumberColumn, BigUint64Array>): PackedNumbers {
  const rows = column.length;
  let least = column[0] ?? 0;
  let most = least;
  for (let row = 1; row < rows; row++) {
    const number = column[row] ?? 0;
    if (number < least) least = number;
    else if (number > most) most = number;
  }
  const width = widthOf(most - least);
  const base = width < widthOf(most) ? least : 0;
  if (width === 0) return { base: least, width, bytes: NOTHING };
  if (width === column.BYTES_PER_ELEMENT && base === 0) return { base, width, bytes: bytesOf(column) };
  const packed = allocateNumbers(width, rows);
  for (let row = 0; row < rows; row++) packed[row] = (column[row] ?? 0) - base;
  return { base, width, bytes: bytesOf(packed) };
}

function packWide(column: BigUint64Array): PackedNumbers {
  const rows = column.length;
  const halves = halvesOf(column);
  let least = rows > 0 ? readWide(halves, 0) : 0;
  let most = least;
  for (let row = 1; row < rows; row++) {
    const number = readWide(halves, row);
    if (number < least) least = number;
    else if (number > most) most = number;
  }
  const width = widthOf(most - least);
  const base = width < widthOf(most) ? least : 0;
  if (width === 0) return { base: least, width, bytes: NOTHING };
  if (width === 8) return { base: 0, width, bytes: bytesOf(column) };
  const packed = allocateNumbers(width, rows);
  for (let row = 0; row < rows; row++) packed[row] = readWide(halves, row) - base;
  return { base, width, bytes: bytesOf(packed) };
}

/**
 * The numbers as a column of the given kind, with the greatest of them, which may be more than the column can hold:
 * the caller refuses those. Where the widths agree the column is a view of the bytes.
 */
export function unpackNumbers<Column extends NumberColumn>(
  { base, width, bytes }: PackedNumbers,
  rows: number,
  type: NumberColumnType<Column>,
): { readonly column: Column; readonly most: number } {
  if (width === 0) return { column: filled(type, rows, base), most: rows === 0 ? 0 : base };
  const packed = numbersOf(bytes, width);
  if (base === 0 && packed instanceof type) return { column: packed, most: mostOf(packed) };
  const column = new type(rows);
  return {
    column,
    most: column instanceof BigUint64Array ? widen(packed, base, column) : move(packed, base, column),
  };
}

/** The constructor of a column's array. */
export type NumberColumnType<Column extends NumberColumn> = new (rows: number) => Column;

function filled<Column extends NumberColumn>(
  type: NumberColumnType<Column>,
  rows: number,
  number: number,
): Column {
  const column = new type(rows);
  if (number === 0) return column;
  if (column instanceof BigUint64Array) column.fill(BigInt(number));
  else column.fill(number);
  return column;
}

function mostOf(column: NumberColumn): number {
  let most = 0;
  if (column instanceof BigUint64Array) {
    const halves = halvesOf(column);
    for (let row = 0; row < column.length; row++) most = Math.max(most, readWide(halves, row));
    return most;
  }
  // By index: an iterator makes an object a row where it meets several kinds of arrays.
  for (let row = 0; row < column.length; row++) most = Math.max(most, column[row] ?? 0);
  return most;
}

function move(packed: NumberColumn, base: number, column: Exclude<NumberColumn, BigUint64Array>): number {
  let most = 0;
  if (packed instanceof BigUint64Array) {
    const from = halvesOf(packed);
    for (let row = 0; row < column.length; row++) {
      const number = base + readWide(from, row);
      if (number > most) most = number;
      column[row] = number;
    }
    return most;
  }
  for (let row = 0; row < column.length; row++) {
    const number = base + (packed[row] ?? 0);
    if (number > most) most = number;
    column[row] = number;
  }
  return most;
}

function widen(packed: NumberColumn, base: number, column: BigUint64Array): number {
  let most = 0;
  const halves = halvesOf(column);
  if (packed instanceof BigUint64Array) {
    const from = halvesOf(packed);
    for (let row = 0; row < column.length; row++) {
      const number = base + readWide(from, row);
      if (number > most) most = number;
      writeWide(halves, row, number);
    }
    return most;
  }
  for (let row = 0; row < column.length; row++) {
    const number = base + (packed[row] ?? 0);
    if (number > most) most = number;
    writeWide(halves, row, number);
  }
  return most;
}

function widthOf(most: number): Width {
  if (most === 0) return 0;
  if (most < 2 ** 8) return 1;
  if (most < 2 ** 16) return 2;
  return most < 2 ** 32 ? 4 : 8;
}

function allocateNumbers(width: 1 | 2 | 4 | 8, rows: number): Uint8Array | Uint16Array | Uint32Array {
  if (width === 1) return new Uint8Array(rows);
  return width === 2 ? new Uint16Array(rows) : new Uint32Array(rows);
}

/** The bytes as an array of numbers; they are copied only if they do not lie at a multiple of the width. */
function numbersOf(bytes: Uint8Array, width: 1 | 2 | 4 | 8): NumberColumn {
  if (width === 1) return bytes;
  const aligned = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const rows = bytes.length / width;
  if (width === 2) return new Uint16Array(aligned.buffer, aligned.byteOffset, rows);
  if (width === 4) return new Uint32Array(aligned.buffer, aligned.byteOffset, rows);
  return new BigUint64Array(aligned.buffer, aligned.byteOffset, rows);
}

function bytesOf(array: NumberColumn): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
