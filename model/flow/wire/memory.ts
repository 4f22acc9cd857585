import { bytesPerRow, type ColumnByType } from '../columns.js';
import type { FieldType } from '../field.js';

/** What columns of a batch lie in, one after the other: one piece of memory costs less than one for each column. */
export class ColumnMemory {
  #memory: ArrayBuffer;
  #used = 0;

  constructor(bytes: number) {
    this.#memory = new ArrayBuffer(bytes);
  }

  /** Gives all memory away anew: what was had of it before must not be used any more. */
  reuse(): void {
    this.#used = 0;
  }

  /** An array for `rows` numbers of `width` bytes; of wide ones, their 32-bit halves. What it holds is of no use. */
  numbers(width: 1 | 2 | 4 | 8, rows: number): Uint8Array | Uint16Array | Uint32Array {
    if (width === 1) return new Uint8Array(this.#memory, this.#take(rows), rows);
    if (width === 2) return new Uint16Array(this.#memory, this.#take(rows * 2), rows);
    return new Uint32Array(this.#memory, this.#take(rows * width), (rows * width) / 4);
  }

  /** A column of a type other than text. */
  column<Type extends Exclude<FieldType, 'text'>>(type: Type, rows: number): ColumnByType[Type];
  column(type: Exclude<FieldType, 'text'>, rows: number): ColumnByType[Exclude<FieldType, 'text'>] {
    const start = this.#take(rows * bytesPerRow[type]);
    switch (type) {
      case 'time':
      case 'uint64':
        return new BigUint64Array(this.#memory, start, rows);
      case 'uint32':
        return new Uint32Array(this.#memory, start, rows);
      case 'uint16':
        return new Uint16Array(this.#memory, start, rows);
      case 'ip':
        return new Uint8Array(this.#memory, start, rows * 16);
      default:
        return new Uint8Array(this.#memory, start, rows);
    }
  }

  /** Where the next `bytes` begin. If they do not fit, a new piece of memory begins; what was had stays as it is. */
  #take(bytes: number): number {
    const start = (this.#used + 7) & ~7;
    if (start + bytes > this.#memory.byteLength) {
      this.#memory = new ArrayBuffer(Math.max(bytes, this.#memory.byteLength * 2));
      this.#used = bytes;
      return 0;
    }
    this.#used = start + bytes;
    return start;
  }
}
