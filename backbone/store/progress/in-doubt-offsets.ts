import type { OffsetRange } from './offset-ranges.js';

/**
 * The offsets of each transport partition whose insert was not confirmed because a writer failed or was replaced.
 * For a block with in-doubt offsets, only the missing rows are inserted.
 */
export class InDoubtOffsets {
  readonly #upTo = new Map<number, number>();

  /** Marks the offsets of a partition up to and including `upTo` as in doubt. */
  add(partition: number, upTo: number): void {
    if (upTo > (this.#upTo.get(partition) ?? -1)) this.#upTo.set(partition, upTo);
  }

  /** Whether a block contains in-doubt offsets. */
  concern(block: ReadonlyMap<number, OffsetRange>): boolean {
    for (const [partition, { first }] of block) {
      if (first <= (this.#upTo.get(partition) ?? -1)) return true;
    }
    return false;
  }

  /** Clears offsets up to the end of a block that is completely stored. */
  settle(block: ReadonlyMap<number, OffsetRange>): void {
    for (const [partition, { last }] of block) {
      if ((this.#upTo.get(partition) ?? Infinity) <= last) this.#upTo.delete(partition);
    }
  }
}
