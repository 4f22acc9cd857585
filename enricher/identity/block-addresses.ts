import { AddressTable } from '@sonde/model/net/address-table';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import { PackedRecords } from '@sonde/model/batch/wire/packed-records';

/** A column of addresses with an id for each distinct address. */
export interface AddressColumn {
  /** 16 bytes a row. */
  readonly bytes: Uint8Array;
  /** The id of each row's address. */
  readonly numbers: Uint32Array;
  /** All ids are below this number. */
  readonly distinct: number;
}

/**
 * Ids of the addresses of a block: equal addresses have the same id in every column. A block has far fewer addresses
 * than rows, so properties of an address are computed once and kept in an array by id.
 */
export class BlockAddresses {
  readonly #table = new AddressTable();

  /**
   * Assigns ids to the addresses of a field whose parts are joined in `bytes`. Hot path: packed parts contain their
   * distinct addresses, so that only those are looked up; of other parts each row is.
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
