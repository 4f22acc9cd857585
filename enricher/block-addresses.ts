import { AddressTable } from '@sonde/model/cluster/address-table';
import type { ColumnMemory } from '@sonde/model/flow/column-memory';

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

  /** Numbers the addresses of a column. Hot path: one look-up a row in a table of this block's addresses alone. */
  column(bytes: Uint8Array, memory: ColumnMemory): AddressColumn {
    const numbers = memory.column('uint32', bytes.length / 16);
    for (let row = 0; row < numbers.length; row++) numbers[row] = this.#table.intern(bytes, row * 16);
    return { bytes, numbers, distinct: this.#table.size };
  }
}
