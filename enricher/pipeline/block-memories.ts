import { ColumnMemory } from '@sonde/model/record/column-memory';

/** Allocation unit of memory that is not reused, so that small blocks use little. */
const SMALL_PIECE_BYTES = 2 ** 16;

/** Memory for the columns of blocks; optionally, the memory of a stored block is reused for the next one. */
export class BlockMemories {
  readonly #idle: ColumnMemory[] = [];

  constructor(private readonly isReused: boolean) {}

  take(): ColumnMemory {
    if (!this.isReused) return new ColumnMemory(SMALL_PIECE_BYTES);
    return this.#idle.pop() ?? new ColumnMemory();
  }

  /** Returns memory; if it is reused, its columns are no longer valid. */
  giveBack(memory: ColumnMemory): void {
    if (!this.isReused) return;
    memory.reuse();
    this.#idle.push(memory);
  }
}
