/**
 * 64-bit columns without BigInt: a column is a `BigUint64Array`, which Arrow and the engines accept directly, and hot loops
 * read and write its 32-bit halves as numbers. Exact up to 2^53 - 1 (9 petabytes; year 287,396).
 */
const HIGH = 2 ** 32;

/** The 32-bit halves of a 64-bit column (low half first), sharing its memory. Make it once per loop, not per row. */
export function halvesOf(column: BigUint64Array): Uint32Array {
  return new Uint32Array(column.buffer, column.byteOffset, column.length * 2);
}

/** The number in row `row` of a column, from the column's halves. */
export function readWide(halves: Uint32Array, row: number): number {
  return (halves[row * 2 + 1] ?? 0) * HIGH + (halves[row * 2] ?? 0);
}

/** Writes a whole number from 0 to 2^53 - 1 into row `row` of a column, through the column's halves. */
export function writeWide(halves: Uint32Array, row: number, value: number): void {
  halves[row * 2] = value;
  halves[row * 2 + 1] = value / HIGH;
}

/** Whether row `row` of a column is 0, from the column's halves. */
export function isZeroWide(halves: Uint32Array, row: number): boolean {
  return halves[row * 2] === 0 && halves[row * 2 + 1] === 0;
}
