import type { ColumnMemory } from './column-memory.js';
import type { StringColumn } from './columns.js';

/** The string in a row of a column; empty after its end. */
export function stringAt({ indexes, dictionary }: StringColumn, row: number): string {
  return dictionary[indexes[row] ?? 0] ?? '';
}

/** Builds a dictionary column of a known length, by rows or ranges of rows. */
export class StringColumnBuilder {
  readonly indexes: Uint32Array;
  readonly #dictionary: string[] = [''];
  readonly #indexOf = new Map<string, number>([['', 0]]);

  /** All rows are empty at first. Without `memory` the column allocates its own. */
  constructor(rows: number, memory?: ColumnMemory) {
    this.indexes = memory ? memory.column('uint32', rows).fill(0) : new Uint32Array(rows);
  }

  /** The dictionary index of a string, to write into `indexes`. */
  intern(value: string): number {
    const known = this.#indexOf.get(value);
    if (known !== undefined) return known;
    const index = this.#dictionary.push(value) - 1;
    this.#indexOf.set(value, index);
    return index;
  }

  /** Writes a string into the rows from `start` up to `end` (exclusive). */
  fill(value: string, start: number, end: number): void {
    this.indexes.fill(this.intern(value), start, end);
  }

  /** Copies a column into the rows from `start` on. */
  copy(column: StringColumn, start: number): void {
    this.indexes.set(column.indexes, start);
    this.translate(column.dictionary, start, start + column.indexes.length);
  }

  /** Translates the rows from `start` up to `end` (exclusive) from indexes into `dictionary` to indexes into this one. */
  translate(dictionary: readonly string[], start: number, end: number): void {
    const { indexes } = this;
    if (dictionary.length > end - start) {
      this.#translateUsed(dictionary, start, end);
      return;
    }
    const translated = Uint32Array.from(dictionary, (value) => this.intern(value));
    // A dictionary with a single string, mostly the empty one, needs no loop.
    if (translated.length === 1) indexes.fill(translated[0] ?? 0, start, end);
    else for (let row = start; row < end; row++) indexes[row] = translated[indexes[row] ?? 0] ?? 0;
  }

  /** Translates with a dictionary of which the rows use a small part. */
  #translateUsed(dictionary: readonly string[], start: number, end: number): void {
    const { indexes } = this;
    const translated = new Int32Array(dictionary.length).fill(-1);
    for (let row = start; row < end; row++) {
      const index = indexes[row] ?? 0;
      let known = translated[index] ?? -1;
      if (known < 0) translated[index] = known = this.intern(dictionary[index] ?? '');
      indexes[row] = known;
    }
  }

  build(): StringColumn {
    return { indexes: this.indexes, dictionary: this.#dictionary };
  }
}
