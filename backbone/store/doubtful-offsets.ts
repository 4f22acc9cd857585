import type { OffsetExtent } from './record-parts.js';

/**
 * Up to which offset of each transport partition rows may be stored although nobody was told so: a writer failed or
 * was replaced. A block that holds such offsets is inserted by what is missing of it.
 */
export class DoubtfulOffsets {
  readonly #upTo = new Map<number, number>();

  /** Notes up to which offset something of a partition may be stored. */
  add(partition: number, upTo: number): void {
    if (upTo > (this.#upTo.get(partition) ?? -1)) this.#upTo.set(partition, upTo);
  }

  /** Whether something of a block may be stored. */
  concern(block: ReadonlyMap<number, OffsetExtent>): boolean {
    for (const [partition, { first }] of block) {
      if (first <= (this.#upTo.get(partition) ?? -1)) return true;
    }
    return false;
  }

  /** The block is stored whole, and all before it. */
  settle(block: ReadonlyMap<number, OffsetExtent>): void {
    for (const [partition, { last }] of block) {
      if ((this.#upTo.get(partition) ?? Infinity) <= last) this.#upTo.delete(partition);
    }
  }
}
