import type { DeliveredBatch } from '../interface/transport.js';

/** Limits of a block. */
export interface BlockLimits {
  /** Maximum rows; a block consists of complete batches. */
  readonly rows: number;
  /** Maximum size of the messages. */
  readonly bytes: number;
  /** How long a batch waits for others while a block is below both limits. */
  readonly ageMs: number;
}

interface WaitingBatch extends DeliveredBatch {
  readonly bytes: number;
  readonly rows: number;
  readonly sinceMs: number;
}

/** Batches of all partitions that are pending for a block, in order of arrival. */
export class BlockQueue {
  #batches: WaitingBatch[] = [];
  #rows = 0;
  #bytes = 0;

  constructor(private readonly limits: BlockLimits) {}

  /** Size of the pending messages. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds a batch whose message was `bytes` long; `nowMs` uses the same clock as {@link dueMs}. */
  add(delivered: DeliveredBatch, bytes: number, nowMs: number): void {
    const rows = delivered.batch.rows + (delivered.batch.dns?.rows ?? 0);
    this.#batches.push({ ...delivered, bytes, rows, sinceMs: nowMs });
    this.#rows += rows;
    this.#bytes += bytes;
  }

  /** When the next block is due: -Infinity if a limit is reached, Infinity if the queue is empty. */
  dueMs(): number {
    const [first] = this.#batches;
    if (first === undefined) return Infinity;
    if (this.#rows >= this.limits.rows || this.#bytes >= this.limits.bytes) return -Infinity;
    return first.sinceMs + this.limits.ageMs;
  }

  /** Removes and returns the batches of the next block, at least one if there is one. */
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
