import type { TextColumn } from './columns.js';

/** Builds a dictionary column of a known length, row by row or whole stretches at a time. */
export class TextColumnBuilder {
  readonly indexes: Uint32Array;
  readonly #dictionary: string[] = [''];
  readonly #numbers = new Map<string, number>([['', 0]]);

  constructor(rows: number) {
    this.indexes = new Uint32Array(rows);
  }

  /** The dictionary number of a text, to be written into `indexes`. */
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
  copy(column: TextColumn, start: number): void {
    const numbers = Uint32Array.from(column.dictionary, (text) => this.intern(text));
    // Where all texts are one, which is mostly the empty one, its number is the rows'.
    if (numbers.length === 1) {
      this.indexes.fill(numbers[0] ?? 0, start, start + column.indexes.length);
      return;
    }
    for (let row = 0; row < column.indexes.length; row++) {
      this.indexes[start + row] = numbers[column.indexes[row] ?? 0] ?? 0;
    }
  }

  build(): TextColumn {
    return { indexes: this.indexes, dictionary: this.#dictionary };
  }
}
