import { halvesOf, readWide, writeWide } from '../../record/wide.js';
import type { Width } from './format.js';
import type { ColumnMemory } from '../../record/column-memory.js';

/** A column's numbers as they travel: row `r` is `base` plus the r-th little-endian number of `width` bytes. */
export interface PackedNumbers {
  readonly base: number;
  readonly width: Width;
  readonly bytes: Uint8Array;
}

/** The arrays that columns of numbers are. */
export type NumberColumn = Uint8Array | Uint16Array | Uint32Array | BigUint64Array;

const NOTHING = new Uint8Array(0);

/**
 * Packs numbers into the least width that holds them, after taking the least number off where that makes them
 * narrower. What is as narrow as it can be already is not copied, the rest lies in `memory`. Typed arrays are
 * little-endian on every platform that Node.js runs on.
 *
 * Numbers are worked on in `words`, whatever their width: a loop over arrays of several types is many times slower than
 * the engine's own conversions, and a new array for each step costs more than the step.
 */
export function packNumbers(column: NumberColumn, memory: ColumnMemory): PackedNumbers {
  const rows = column.length;
  const wide = column instanceof BigUint64Array ? halvesOf(column) : undefined;
  if (!(column instanceof BigUint64Array)) wordsFor(rows).set(column);
  const { least, most } = wide ? rangeOfWide(wide, rows) : rangeOfWords(rows);
  const width = widthOf(most - least);
  const base = width < widthOf(most) ? least : 0;
  if (width === 0) return { base: least, width, bytes: NOTHING };
  if (width === column.BYTES_PER_ELEMENT) return { base, width, bytes: bytesOf(column) };
  if (wide) takeLowHalves(wide, rows);
  if (base !== 0) addToWords(rows, -base);
  const packed = memory.numbers(width, rows);
  packed.set(words.subarray(0, rows));
  return { base, width, bytes: bytesOf(packed) };
}

/**
 * Writes packed numbers into the rows from `start` on of a column. A number that the column cannot hold loses its upper
 * bits: whether there is one, {@link greatestOf} tells.
 */
export function unpackNumbers(
  { base, width, bytes }: PackedNumbers,
  rows: number,
  column: NumberColumn,
  start = 0,
): void {
  if (width === 0) {
    fill(column, base, start, start + rows);
  } else if (base === 0 && width === column.BYTES_PER_ELEMENT) {
    bytesOf(column).set(bytes, start * width);
  } else if (width === 8) {
    unpackWide(bytes, base, rows, column, start);
  } else {
    takeWords(bytes, width, rows);
    if (column instanceof BigUint64Array) {
      const halves = halvesOf(column);
      for (let row = 0; row < rows; row++) writeWide(halves, start + row, base + (words[row] ?? 0));
    } else {
      if (base !== 0) addToWords(rows, base);
      column.set(words.subarray(0, rows), start);
    }
  }
}

/** The greatest of packed numbers, of which there is at least one. */
export function greatestOf({ base, width, bytes }: PackedNumbers): number {
  let most = 0;
  for (let at = 0; at < bytes.length; at += width) {
    let number = bytes[at] ?? 0;
    for (let byte = 1, worth = 256; byte < width; byte++, worth *= 256)
      number += (bytes[at + byte] ?? 0) * worth;
    if (number > most) most = number;
  }
  return base + most;
}

/** A bound that packed numbers do not exceed, from their width alone. */
export function boundOf({ base, width }: PackedNumbers): number {
  return base + 2 ** (8 * width) - 1;
}

/** Where numbers are worked on, from one call to the next; as long as the longest column so far. */
let words = new Uint32Array(2 ** 14);
/** The same memory, for numbers as they travel. */
let bytesOfWords = new Uint8Array(words.buffer);
/** Numbers of two bytes on their way into `words`, and the same memory as bytes. */
let shorts = new Uint16Array(words.length);
let bytesOfShorts = new Uint8Array(shorts.buffer);

function wordsFor(rows: number): Uint32Array {
  if (rows > words.length) {
    words = new Uint32Array(2 ** Math.ceil(Math.log2(rows)));
    bytesOfWords = new Uint8Array(words.buffer);
    shorts = new Uint16Array(words.length);
    bytesOfShorts = new Uint8Array(shorts.buffer);
  }
  return words;
}

function takeWords(bytes: Uint8Array, width: 1 | 2 | 4, rows: number): void {
  wordsFor(rows);
  if (width === 1) {
    words.set(bytes);
  } else if (width === 2) {
    bytesOfShorts.set(bytes);
    for (let row = 0; row < rows; row++) words[row] = shorts[row] ?? 0;
  } else {
    bytesOfWords.set(bytes);
  }
}

function takeLowHalves(halves: Uint32Array, rows: number): void {
  wordsFor(rows);
  for (let row = 0; row < rows; row++) words[row] = halves[row * 2] ?? 0;
}

/** Modulo 2^32. */
function addToWords(rows: number, addend: number): void {
  for (let row = 0; row < rows; row++) words[row] = (words[row] ?? 0) + addend;
}

function unpackWide(
  bytes: Uint8Array,
  base: number,
  rows: number,
  column: NumberColumn,
  start: number,
): void {
  const wide = new BigUint64Array(rows);
  bytesOf(wide).set(bytes);
  const halves = halvesOf(wide);
  if (base !== 0) for (let row = 0; row < rows; row++) writeWide(halves, row, base + readWide(halves, row));
  if (column instanceof BigUint64Array) {
    column.set(wide, start);
  } else {
    takeLowHalves(halves, rows);
    column.set(words.subarray(0, rows), start);
  }
}

function fill(column: NumberColumn, number: number, start: number, end: number): void {
  if (column instanceof BigUint64Array) column.fill(BigInt(number), start, end);
  else column.fill(number, start, end);
}

function rangeOfWords(rows: number): { readonly least: number; readonly most: number } {
  let least = rows > 0 ? (words[0] ?? 0) : 0;
  let most = least;
  for (let row = 1; row < rows; row++) {
    const number = words[row] ?? 0;
    if (number < least) least = number;
    else if (number > most) most = number;
  }
  return { least, most };
}

function rangeOfWide(halves: Uint32Array, rows: number): { readonly least: number; readonly most: number } {
  let least = rows > 0 ? readWide(halves, 0) : 0;
  let most = least;
  for (let row = 1; row < rows; row++) {
    const number = readWide(halves, row);
    if (number < least) least = number;
    else if (number > most) most = number;
  }
  return { least, most };
}

function widthOf(most: number): Width {
  if (most === 0) return 0;
  if (most < 2 ** 8) return 1;
  if (most < 2 ** 16) return 2;
  return most < 2 ** 32 ? 4 : 8;
}

function bytesOf(array: NumberColumn): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
