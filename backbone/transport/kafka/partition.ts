import type { DeliveredBatch } from '../transport.js';
import type { ResumePoint } from './offsets.js';

/** How much makes a block. */
export interface BlockLimits {
  /** A block takes whole batches up to about this many rows. */
  readonly rows: number;
  /** And up to this length of their messages. */
  readonly bytes: number;
  /** With less than that, a batch waits so long for others. */
  readonly ageMs: number;
}

interface Waiting extends DeliveredBatch {
  readonly bytes: number;
  readonly rows: number;
  readonly sinceMs: number;
}

/** The messages of a partition that were fetched and wait to be delivered. */
export class PartitionQueue {
  readonly #waiting: Waiting[] = [];
  #rows = 0;
  #bytes = 0;
  #mayBeStoredUntil: number | undefined;
  /** Offset of the next message to be fetched. */
  next: number;
  /** Whether a delivery is out: the next one waits until it is stored. */
  isDelivering = false;

  constructor(
    readonly partition: number,
    { next, mayBeStoredUntil }: ResumePoint,
  ) {
    this.next = next;
    this.#mayBeStoredUntil = mayBeStoredUntil;
  }

  /** Length of the messages that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  add(delivered: DeliveredBatch, bytes: number, nowMs: number): void {
    const rows = delivered.batch.rows + (delivered.batch.dns?.rows ?? 0);
    this.#waiting.push({ ...delivered, bytes, rows, sinceMs: nowMs });
    this.#rows += rows;
    this.#bytes += bytes;
  }

  /** Whether a message was dealt with in the block that may be stored: it need not be again. */
  wasDealtWith(offset: number): boolean {
    return this.#mayBeStoredUntil !== undefined && offset <= this.#mayBeStoredUntil;
  }

  /** When the next block is due, in ms as `add` counts them: -Infinity if now, Infinity if there is nothing yet. */
  dueMs(limits: BlockLimits): number {
    const [first] = this.#waiting;
    if (this.isDelivering || first === undefined) {
      return Infinity;
    }
    if (this.#mayBeStoredUntil !== undefined)
      return this.next > this.#mayBeStoredUntil ? -Infinity : Infinity;
    if (this.#rows >= limits.rows || this.#bytes >= limits.bytes) return -Infinity;
    return first.sinceMs + limits.ageMs;
  }

  /** Takes the next block: the one that may be stored just as it was, else what the limits allow. */
  take(limits: BlockLimits): { readonly batches: readonly DeliveredBatch[]; readonly mayBeStored: boolean } {
    const until = this.#mayBeStoredUntil;
    this.#mayBeStoredUntil = undefined;
    let count = 0;
    let rows = 0;
    let bytes = 0;
    for (const one of this.#waiting) {
      const fits = rows + one.rows <= limits.rows && bytes + one.bytes <= limits.bytes;
      if (until === undefined ? count > 0 && !fits : one.offset > until) break;
      count += 1;
      rows += one.rows;
      bytes += one.bytes;
    }
    this.#rows -= rows;
    this.#bytes -= bytes;
    const batches = this.#waiting.splice(0, count);
    return { batches, mayBeStored: until !== undefined };
  }
}
