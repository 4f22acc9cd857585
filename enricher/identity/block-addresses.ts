import { AddressTable } from '@sonde/model/net/address-table';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import { PackedRecords } from '@sonde/model/batch/wire/packed-records';

/** A column of addresses whose distinct ones are numbered. */
export interface AddressColumn {
  /** 16 bytes a row. */
  readonly bytes: Uint8Array;
  /** The number of each row's address. */
  readonly numbers: Uint32Array;
  /** All numbers are below this one. */
  readonly distinct: number;
}

/**
 * The addresses of a block, numbered: equal ones have one number, whichever column they stand in. A block has far
 * fewer addresses than rows, so what follows from an address alone is found out once and kept in an array by number.
 */
export class BlockAddresses {
  readonly #table = new AddressTable();

  /**
   * Numbers the addresses of a field that is joined of parts into `bytes`. Hot path: packed parts bring their distinct
   * addresses along, so that only those are looked up in a table of this block's addresses alone; of others each row's is.
   */
  column(
    parts: readonly { readonly rows: number }[],
    name: string,
    bytes: Uint8Array,
    memory: ColumnMemory,
  ): AddressColumn {
    const numbers = memory.column('uint32', bytes.length / 16);
    let start = 0;
    for (const part of parts) {
      const end = start + part.rows;
      if (part instanceof PackedRecords) part.writeAddressIds(name, this.#table, numbers, start);
      else for (let row = start; row < end; row++) numbers[row] = this.#table.intern(bytes, row * 16);
      start = end;
    }
    return { bytes, numbers, distinct: this.#table.size };
  }
}
