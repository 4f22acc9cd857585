import { ADDRESS_BYTES } from './format.js';

/** A column of addresses as the distinct ones and each row's place among them. */
export interface AddressDictionary {
  /** 16 bytes for each distinct address, in the order of their first rows. */
  readonly addresses: Uint8Array;
  readonly indexes: Uint32Array;
}

/**
 * Finds the distinct addresses of a column of 16 bytes a row: a node's flows are of few of them. Hashes the four words
 * of each, without an object a row.
 */
export function addressDictionary(column: Uint8Array): AddressDictionary {
  const rows = column.length / ADDRESS_BYTES;
  const words = wordsOf(column);
  const distinct = new Uint32Array(words.length);
  const indexes = new Uint32Array(rows);
  // Open addressing, at most half full; an entry is one more than an address's place.
  const mask = 2 ** Math.ceil(Math.log2(rows * 2 + 2)) - 1;
  const table = new Uint32Array(mask + 1);
  let count = 0;
  for (let row = 0, at = 0; row < rows; row++, at += 4) {
    const a = words[at] ?? 0;
    const b = words[at + 1] ?? 0;
    const c = words[at + 2] ?? 0;
    const d = words[at + 3] ?? 0;
    let slot = hash(a, b, c, d) & mask;
    for (;;) {
      const entry = table[slot] ?? 0;
      if (entry === 0) {
        distinct[count * 4] = a;
        distinct[count * 4 + 1] = b;
        distinct[count * 4 + 2] = c;
        distinct[count * 4 + 3] = d;
        indexes[row] = count;
        count += 1;
        table[slot] = count;
        break;
      }
      const known = (entry - 1) * 4;
      if (
        distinct[known] === a &&
        distinct[known + 1] === b &&
        distinct[known + 2] === c &&
        distinct[known + 3] === d
      ) {
        indexes[row] = entry - 1;
        break;
      }
      slot = (slot + 1) & mask;
    }
  }
  return { addresses: new Uint8Array(distinct.buffer, 0, count * ADDRESS_BYTES), indexes };
}

/**
 * Writes the addresses that a dictionary stands for into the rows from `start` on of a column of 16 bytes a row, which
 * lies at a multiple of four. Every index is below the number of addresses.
 */
export function writeAddresses(
  { addresses, indexes }: AddressDictionary,
  column: Uint8Array,
  start = 0,
): void {
  const from = wordsOf(addresses);
  const words = wordsOf(column);
  for (let row = 0, at = start * 4; row < indexes.length; row++, at += 4) {
    const place = (indexes[row] ?? 0) * 4;
    words[at] = from[place] ?? 0;
    words[at + 1] = from[place + 1] ?? 0;
    words[at + 2] = from[place + 2] ?? 0;
    words[at + 3] = from[place + 3] ?? 0;
  }
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 2);
}

/** Mixes four words (the multiplier and shifts of MurmurHash3's finalizer). */
function hash(a: number, b: number, c: number, d: number): number {
  let mixed = Math.imul(a ^ Math.imul(b, 0x9e3779b1) ^ Math.imul(c, 0x85ebca77), 0xcc9e2d51) ^ d;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
