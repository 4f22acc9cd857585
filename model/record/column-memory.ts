import { bytesPerRow, type ColumnByType } from './columns.js';
import type { FieldType } from './field.js';

/** How much is taken from the system at once: many columns, and few pieces for the garbage collector to count. */
const PIECE_BYTES = 2 ** 22;

/**
 * What columns lie in, one after the other. Memory that is used again for block after block costs next to nothing, while
 * new memory is zeroed by the kernel page by page, and makes V8 collect all its garbage for every 64 MiB of it.
 */
export class ColumnMemory {
  readonly #pieces: ArrayBuffer[] = [];
  readonly #pieceBytes: number;
  /** The piece that is given away now, and how much of it is. */
  #piece = 0;
  #used = 0;

  /** @param pieceBytes how much is taken from the system at once. */
  constructor(pieceBytes = PIECE_BYTES) {
    this.#pieceBytes = pieceBytes;
  }

  /** Gives all memory away again: what was had of it before must not be used any more. */
  reuse(): void {
    this.#piece = 0;
    this.#used = 0;
  }

  /** An array for `rows` numbers of `width` bytes; of wide ones, their 32-bit halves. What it holds is of no use. */
  numbers(width: 1 | 2 | 4 | 8, rows: number): Uint8Array | Uint16Array | Uint32Array {
    if (width === 1) return this.column('uint8', rows);
    if (width === 2) return this.column('uint16', rows);
    return this.column('uint32', (rows * width) / 4);
  }

  /** A column of a type other than text; for a text's indexes ask for `uint32`. What it holds is of no use. */
  column<Type extends Exclude<FieldType, 'text'>>(type: Type, rows: number): ColumnByType[Type];
  column(type: Exclude<FieldType, 'text'>, rows: number): ColumnByType[Exclude<FieldType, 'text'>] {
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

  /** Where the next `bytes` begin in the piece at hand, which becomes the next one that they fit into. */
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
