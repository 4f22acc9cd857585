import { bytesPerRow, type ColumnByType } from './columns.js';
import type { FieldType } from './field.js';

/** Allocation size: holds many columns, so that the garbage collector tracks few objects. */
const PIECE_BYTES = 2 ** 22;

/**
 * Memory for columns, allocated one after the other and reused for each block. Reused memory is almost free, while the
 * kernel zeroes new memory page by page, and V8 runs a full garbage collection for every 64 MiB of it.
 */
export class ColumnMemory {
  readonly #pieces: ArrayBuffer[] = [];
  readonly #pieceBytes: number;
  /** The current piece, and the number of bytes used in it. */
  #piece = 0;
  #used = 0;

  /** @param pieceBytes allocation size. */
  constructor(pieceBytes = PIECE_BYTES) {
    this.#pieceBytes = pieceBytes;
  }

  /** Makes all memory available again: columns from before must not be used any more. */
  reuse(): void {
    this.#piece = 0;
    this.#used = 0;
  }

  /** An uninitialized array for `rows` numbers of `width` bytes; for 8 bytes, their 32-bit halves. */
  numbers(width: 1 | 2 | 4 | 8, rows: number): Uint8Array | Uint16Array | Uint32Array {
    if (width === 1) return this.column('uint8', rows);
    if (width === 2) return this.column('uint16', rows);
    return this.column('uint32', (rows * width) / 4);
  }

  /** An uninitialized column of any type but string; use `uint32` for the indexes of a string column. */
  column<Type extends Exclude<FieldType, 'string'>>(type: Type, rows: number): ColumnByType[Type];
  column(type: Exclude<FieldType, 'string'>, rows: number): ColumnByType[Exclude<FieldType, 'string'>] {
    const start = this.#take(rows * bytesPerRow[type]);
    const piece = this.#pieces[this.#piece] ?? new ArrayBuffer(0);
    switch (type) {
      case 'time':
      case 'uint64':
        return new BigUint64Array(piece, start, rows);
      case 'uint32':
        return new Uint32Array(piece, start, rows);
      case 'uint16':
        return new Uint16Array(piece, start, rows);
      case 'ip':
        return new Uint8Array(piece, start, rows * 16);
      default:
        return new Uint8Array(piece, start, rows);
    }
  }

  /** Allocates `bytes` in the current piece, or in the next piece with enough space; returns their offset. */
  #take(bytes: number): number {
    let start = (this.#used + 7) & ~7;
    while (start + bytes > (this.#pieces[this.#piece]?.byteLength ?? 0)) {
      if (this.#pieces.length > 0) this.#piece++;
      if (this.#piece >= this.#pieces.length) {
        this.#piece = this.#pieces.push(new ArrayBuffer(Math.max(bytes, this.#pieceBytes))) - 1;
      }
      start = 0;
    }
    this.#used = start + bytes;
    return start;
  }
}
