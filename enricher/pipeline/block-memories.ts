import { ColumnMemory } from '@sonde/model/record/column-memory';

/** Memory that is not used again is taken in pieces of this size, so that small blocks take little. */
const SMALL_PIECE_BYTES = 2 ** 16;

/** Memory for the columns of blocks: if it is reused, that of one that is stored serves the next one. */
export class BlockMemories {
  readonly #idle: ColumnMemory[] = [];

  constructor(private readonly isReused: boolean) {}

  take(): ColumnMemory {
    if (!this.isReused) return new ColumnMemory(SMALL_PIECE_BYTES);
    return this.#idle.pop() ?? new ColumnMemory();
  }

  /** If it is reused, nobody may use any more what lies in it. */
  giveBack(memory: ColumnMemory): void {
    if (!this.isReused) return;
    memory.reuse();
    this.#idle.push(memory);
  }
}
