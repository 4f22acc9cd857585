import type { StringColumn } from '@sonde/model/record/columns';

/** The tables of NAMES frames (bpf-probe/PROTOCOL.md), by number. */
const DROP_REASONS = 0;
const PROCESSES = 1;
const TLS_SERVERS = 2;

/** Strings that a probe refers to by number, from its NAMES frames. */
export class ProbeNames {
  readonly #tables: Map<number, string>[] = [];

  /** Adds names to a table; replaces the name of a number that has one. */
  add(table: number, names: ReadonlyMap<number, string>): void {
    const known = (this.#tables[table] ??= new Map<number, string>());
    for (const [number, name] of names) known.set(number, name);
  }

  /** Builders of the string columns of a window of `rows` flows, with the names received so far. */
  columns(rows: number) {
    const column = (table: number) =>
      new NumberedColumn(rows, this.#tables[table] ?? new Map<number, string>());
    return {
      drop_reason: column(DROP_REASONS),
      tls_server_name: column(TLS_SERVERS),
      src_process: column(PROCESSES),
      dst_process: column(PROCESSES),
    };
  }
}

/** Builds a dictionary column from the numbers of a table. Number 0 is the empty string in every table. */
class NumberedColumn {
  readonly #indexes: Uint32Array;
  readonly #dictionary = [''];
  readonly #entries = new Map<number, number>([[0, 0]]);

  constructor(
    rows: number,
    private readonly names: ReadonlyMap<number, string>,
  ) {
    this.#indexes = new Uint32Array(rows);
  }

  set(row: number, number: number): void {
    if (number === 0) return;
    let entry = this.#entries.get(number);
    if (entry === undefined) {
      // If the NAMES frame was lost, the number itself still distinguishes the value.
      entry = this.#dictionary.push(this.names.get(number) ?? `#${number}`) - 1;
      this.#entries.set(number, entry);
    }
    this.#indexes[row] = entry;
  }

  build(): StringColumn {
    return { indexes: this.#indexes, dictionary: this.#dictionary };
  }
}
