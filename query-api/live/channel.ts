import { setTimeout as delay } from 'node:timers/promises';
import type { Filter } from '@sonde/model/filter/filter';
import { filterPredicate } from '@sonde/model/filter/predicate';
import type { Records } from '@sonde/model/record/columns';
import { type BlockEvents, blockEvents, type LiveView, viewKey } from './block-events.js';
import type { LiveBlock } from './feed.js';
import type { Throttle } from './throttle.js';
import type { Subscriber } from './subscriber.js';

/** A subscription: what it shows, of which records. */
export interface LiveQuery extends LiveView {
  readonly filter: Filter;
}

/** Maximum number of records that wait to be sent; beyond it, the oldest blocks are dropped. */
const MAX_QUEUED_ROWS = 10_000;

/** Approximate size of the chunks that events are sent in. */
const CHUNK_BYTES = 1 << 17;

/** Interval in which new records are collected: one large write is cheaper than many small ones. */
const SEND_INTERVAL_MS = 200;

/** How often a full channel checks whether a subscriber has room again. */
const ROOM_POLL_MS = 10;

/** Events that are sent in one write. */
interface Chunk {
  readonly bytes: Buffer;
  readonly records: number;
}

/**
 * The subscribers with equal subscriptions. Matching records are found once for all of them, and their streams share the
 * bytes. The fastest subscriber sets the speed: sending continues while any of them has room. If none has room and newer
 * blocks wait, the remaining records are counted as dropped without being serialized.
 */
export class Channel {
  readonly subscribers = new Set<Subscriber>();
  readonly #predicate: ReturnType<typeof filterPredicate>;
  readonly #view: string;
  readonly #blocks: LiveBlock[] = [];
  #dropped = 0;
  /** The feed has dropped records that may have matched. */
  #isMore = false;
  #isSending = false;
  /** No subscriber has room for the blocks that are being sent, and newer ones wait. */
  #isFull = false;

  constructor(
    readonly query: LiveQuery,
    private readonly throttle: Throttle,
  ) {
    this.#predicate = filterPredicate(query.filter);
    this.#view = viewKey(query);
  }

  /** Queues a block for the subscribers; returns immediately, so that subscriptions do not slow down the feed. */
  publish(block: LiveBlock): void {
    this.#blocks.push(block);
    this.#dropOldest();
    if (this.#isSending) return;
    this.#send().catch((error: unknown) => {
      // An error of a subscription must not reach the feed.
      for (const { stream } of this.subscribers) stream.destroy(error as Error);
    });
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    try {
      while (this.#blocks.length > 0) {
        const startMs = performance.now();
        await this.#sendBlocks();
        if (this.subscribers.size === 0) return;
        await delay(Math.max(0, startMs + SEND_INTERVAL_MS - performance.now()));
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #sendBlocks(): Promise<void> {
    const chunks = this.#chunks(this.#blocks.splice(0));
    for (;;) {
      this.#isFull = !(await this.#room());
      if (await this.throttle.run(() => this.#sendNext(chunks))) return;
    }
  }

  /** Sends the next chunk; true if there was none. */
  #sendNext(chunks: Iterator<Chunk, void>): boolean {
    const next = chunks.next();
    if (next.done === true) return true;
    const { bytes, records } = next.value;
    const dropped = { records: this.#dropped, isMore: this.#isMore };
    for (const subscriber of this.subscribers) subscriber.send(bytes, records, dropped);
    this.#dropped = 0;
    this.#isMore = false;
    return false;
  }

  /** Waits until a subscriber has room for a chunk; false if newer blocks arrive first, or no subscriber is left. */
  async #room(): Promise<boolean> {
    for (;;) {
      for (const subscriber of this.subscribers) if (subscriber.hasRoom(CHUNK_BYTES)) return true;
      if (this.subscribers.size === 0 || this.#blocks.length > 0) return false;
      await delay(ROOM_POLL_MS);
    }
  }

  /** The matching events of blocks in chunks; at least one chunk if records were dropped. */
  *#chunks(blocks: readonly LiveBlock[]): Generator<Chunk, void> {
    let events: Buffer[] = [];
    let length = 0;
    const chunk = () => {
      const filled = { bytes: Buffer.concat(events, length), records: events.length };
      events = [];
      length = 0;
      return filled;
    };
    for (const block of blocks) {
      this.#isMore ||= this.#isCut(block);
      const shown = this.#eventsOf(block);
      if (!shown) continue;
      for (const row of this.#matching(shown.records)) {
        if (this.#isFull) {
          this.#dropped += 1;
          continue;
        }
        const event = shown.event(row);
        events.push(event);
        length += event.length;
        if (length >= CHUNK_BYTES) yield chunk();
      }
    }
    if (events.length > 0 || this.#dropped > 0 || this.#isMore) yield chunk();
  }

  /** Drops and counts the oldest blocks beyond the limit. */
  #dropOldest(): void {
    let rows = this.#blocks.reduce((sum, block) => sum + this.#rowsOf(block), 0);
    while (rows > MAX_QUEUED_ROWS && this.#blocks.length > 1) {
      const oldest = this.#blocks.shift();
      if (!oldest) return;
      rows -= this.#rowsOf(oldest);
      this.#dropped += this.#countMatching(oldest);
      this.#isMore ||= this.#isCut(oldest);
    }
  }

  #rowsOf(block: LiveBlock): number {
    return block[this.query.kind]?.rows ?? 0;
  }

  #isCut({ omitted }: LiveBlock): boolean {
    return omitted !== undefined && omitted[this.query.kind] > 0;
  }

  *#matching({ rows, columns }: Records): Generator<number> {
    const matches = this.#predicate(columns);
    for (let row = 0; row < rows; row++) if (matches(row)) yield row;
  }

  #countMatching(block: LiveBlock): number {
    const shown = this.#eventsOf(block);
    if (!shown) return 0;
    const { rows, columns } = shown.records;
    if (this.query.filter.kind === 'constant') return this.query.filter.value ? rows : 0;
    const matches = this.#predicate(columns);
    let count = 0;
    for (let row = 0; row < rows; row++) if (matches(row)) count += 1;
    return count;
  }

  #eventsOf(block: LiveBlock): BlockEvents | undefined {
    return blockEvents(block, this.query, this.#view);
  }
}
