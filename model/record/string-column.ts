import type { ColumnMemory } from './column-memory.js';
import type { StringColumn } from './columns.js';

/** The string in a row of a column; empty past its end. */
export function stringAt({ indexes, dictionary }: StringColumn, row: number): string {
  return dictionary[indexes[row] ?? 0] ?? '';
}

/** Builds a dictionary column of a known length, row by row or whole stretches at a time. */
export class StringColumnBuilder {
  readonly indexes: Uint32Array;
  readonly #dictionary: string[] = [''];
  readonly #numbers = new Map<string, number>([['', 0]]);

  /** All rows are empty at first. Without `memory` the column has its own. */
  constructor(rows: number, memory?: ColumnMemory) {
    this.indexes = memory ? memory.column('uint32', rows).fill(0) : new Uint32Array(rows);
  }

  /** The dictionary index of a string, to be written into `indexes`. */
  intern(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#dictionary.push(text) - 1;
    this.#numbers.set(text, number);
    return number;
  }

  /** Writes one text into the rows from `start` up to `end`. */
  fill(text: string, start: number, end: number): void {
    this.indexes.fill(this.intern(text), start, end);
  }

  /** Copies a column into the rows from `start` on. */
  copy(column: StringColumn, start: number): void {
    this.indexes.set(column.indexes, start);
    this.translate(column.dictionary, start, start + column.indexes.length);
  }

  /** Takes what the rows from `start` up to `end` hold for places in `dictionary`, and makes it numbers of this one. */
  translate(dictionary: readonly string[], start: number, end: number): void {
    const { indexes } = this;
    const numbers = Uint32Array.from(dictionary, (text) => this.intern(text));
    // Where all texts are one, which is mostly the empty one, its number is the rows'.
    if (numbers.length === 1) indexes.fill(numbers[0] ?? 0, start, end);
    else for (let row = start; row < end; row++) indexes[row] = numbers[indexes[row] ?? 0] ?? 0;
  }

  build(): StringColumn {
    return { indexes: this.indexes, dictionary: this.#dictionary };
  }
}
