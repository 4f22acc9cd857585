import type { DeliveredBatch } from '../transport.js';

/** How much makes a block. */
export interface BlockLimits {
  /** A block takes whole batches up to about this many rows. */
  readonly rows: number;
  /** And up to this length of their messages. */
  readonly bytes: number;
  /** With less than that, a batch waits so long for others. */
  readonly ageMs: number;
}

interface WaitingBatch extends DeliveredBatch {
  readonly bytes: number;
  readonly rows: number;
  readonly sinceMs: number;
}

/** Batches of all partitions that wait to make a block, in the order in which they came. */
export class BlockQueue {
  #batches: WaitingBatch[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(private readonly limits: BlockLimits) {}

  /** Length of the messages that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a batch whose message was `bytes` long; `nowMs` is of the clock that {@link dueMs} goes by. */
  add(delivered: DeliveredBatch, bytes: number, nowMs: number): void {
    const rows = delivered.batch.rows + (delivered.batch.dns?.rows ?? 0);
    this.#batches.push({ ...delivered, bytes, rows, sinceMs: nowMs });
    this.#rows += rows;
    this.#bytes += bytes;
  }

  /** When the next block is due: -Infinity if there is enough for one, Infinity if there is nothing. */
  dueMs(): number {
    const [first] = this.#batches;
    if (first === undefined) return Infinity;
    if (this.#rows >= this.limits.rows || this.#bytes >= this.limits.bytes) return -Infinity;
    return first.sinceMs + this.limits.ageMs;
  }

  /** Takes as much as makes a block, at least one batch if there is one. */
  take(): DeliveredBatch[] {
    let rows = 0;
    let bytes = 0;
    let count = 0;
    for (const one of this.#batches) {
      if (count > 0 && (rows + one.rows > this.limits.rows || bytes + one.bytes > this.limits.bytes)) break;
      rows += one.rows;
      bytes += one.bytes;
      count += 1;
    }
    this.#rows -= rows;
    this.#bytes -= bytes;
    return this.#batches.splice(0, count);
  }
}
