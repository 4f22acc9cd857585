import { ColumnMemory } from '@sonde/model/flow/column-memory';

/** Memory for the columns of blocks: that of one that is stored serves the next one. */
export class BlockMemories {
  readonly #idle: ColumnMemory[] = [];

  take(): ColumnMemory {
    return this.#idle.pop() ?? new ColumnMemory();
  }

  /** Nobody may use any more what lies in it. */
  giveBack(memory: ColumnMemory): void {
    memory.reuse();
    this.#idle.push(memory);
  }
}
