import { setTimeout as delay } from 'node:timers/promises';
import type { Filter } from '@sonde/model/filter/filter';
import { filterPredicate } from '@sonde/model/filter/predicate';
import type { Records } from '@sonde/model/record/columns';
import { type BlockEvents, blockEvents, type LiveView, viewKey } from './block-events.js';
import type { LiveBlock } from './feed.js';
import type { Throttle } from './throttle.js';
import type { Subscriber } from './subscriber.js';

/** What a live view shows. */
export interface LiveQuery extends LiveView {
  readonly filter: Filter;
}

/** Records that wait while others are sent; when more come, the oldest blocks are left out. */
const MAX_QUEUED_ROWS = 10_000;

/** Events are sent in pieces of about this size, between which viewers may read. */
const PIECE_LENGTH = 1 << 17;

/** What comes in so long is sent together: a write costs more than the events in it. */
const GATHERING_MS = 200;

/** How long to wait before looking whether somebody has read. */
const PAUSE_MS = 10;

/** Events that are sent together. */
interface Piece {
  readonly bytes: Buffer;
  readonly records: number;
}

/**
 * Those who see the same of the same records. What blocks have for them is found once, however many they are, and their
 * streams share the bytes. The fastest of them says how fast: it goes on while anybody has room. When nobody has and newer
 * blocks wait, the rest is counted and not even written.
 */
export class Channel {
  readonly subscribers = new Set<Subscriber>();
  readonly #predicate: ReturnType<typeof filterPredicate>;
  readonly #view: string;
  readonly #blocks: LiveBlock[] = [];
  #dropped = 0;
  /** The feed left out some, of which nobody knows how many were for these viewers. */
  #isMore = false;
  #isSending = false;
  /** Nobody can take more of the blocks that are being sent, and others wait. */
  #isFull = false;

  constructor(
    readonly question: LiveQuery,
    private readonly pace: Throttle,
  ) {
    this.#predicate = filterPredicate(question.filter);
    this.#view = viewKey(question);
  }

  /** Shows a block to the viewers, behind those that wait. Does little at once: who brings blocks does not wait for views. */
  publish(block: LiveBlock): void {
    this.#blocks.push(block);
    this.#leaveOutOldest();
    if (this.#isSending) return;
    this.#send().catch((error: unknown) => {
      // What is wrong with a view must not come to those who brought the block.
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
        await delay(Math.max(0, startMs + GATHERING_MS - performance.now()));
      }
    } finally {
      this.#isSending = false;
    }
  }

  async #sendBlocks(): Promise<void> {
    const pieces = this.#pieces(this.#blocks.splice(0));
    for (;;) {
      this.#isFull = !(await this.#room());
      if (await this.pace.run(() => this.#sendNext(pieces))) return;
    }
  }

  /** Sends the next piece; true if there was none. */
  #sendNext(pieces: Iterator<Piece, void>): boolean {
    const next = pieces.next();
    if (next.done === true) return true;
    const { bytes, records } = next.value;
    const leftOut = { records: this.#dropped, isMore: this.#isMore };
    for (const viewer of this.subscribers) viewer.send(bytes, records, leftOut);
    this.#dropped = 0;
    this.#isMore = false;
    return false;
  }

  /** Waits until somebody can take a piece; false if something newer came before that, or nobody is left. */
  async #room(): Promise<boolean> {
    for (;;) {
      for (const viewer of this.subscribers) if (viewer.hasRoom(PIECE_LENGTH)) return true;
      if (this.subscribers.size === 0 || this.#blocks.length > 0) return false;
      await delay(PAUSE_MS);
    }
  }

  /** What blocks have for the viewers; one piece at least if something was left out. */
  *#pieces(blocks: readonly LiveBlock[]): Generator<Piece, void> {
    let events: Buffer[] = [];
    let length = 0;
    const piece = () => {
      const whole = { bytes: Buffer.concat(events, length), records: events.length };
      events = [];
      length = 0;
      return whole;
    };
    for (const block of blocks) {
      this.#isMore ||= this.#isCut(block);
      const shown = this.#shown(block);
      if (!shown) continue;
      for (const row of this.#passing(shown.records)) {
        if (this.#isFull) {
          this.#dropped += 1;
          continue;
        }
        const event = shown.event(row);
        events.push(event);
        length += event.length;
        if (length >= PIECE_LENGTH) yield piece();
      }
    }
    if (events.length > 0 || this.#dropped > 0 || this.#isMore) yield piece();
  }

  /** Counts what too many blocks have for the viewers, instead of sending it. */
  #leaveOutOldest(): void {
    let rows = this.#blocks.reduce((sum, block) => sum + this.#rowsOf(block), 0);
    while (rows > MAX_QUEUED_ROWS && this.#blocks.length > 1) {
      const oldest = this.#blocks.shift();
      if (!oldest) return;
      rows -= this.#rowsOf(oldest);
      this.#dropped += this.#countPassing(oldest);
      this.#isMore ||= this.#isCut(oldest);
    }
  }

  #rowsOf(block: LiveBlock): number {
    return block[this.question.kind]?.rows ?? 0;
  }

  #isCut({ left }: LiveBlock): boolean {
    return left !== undefined && left[this.question.kind] > 0;
  }

  *#passing({ rows, columns }: Records): Generator<number> {
    const passes = this.#predicate(columns);
    for (let row = 0; row < rows; row++) if (passes(row)) yield row;
  }

  #countPassing(block: LiveBlock): number {
    const shown = this.#shown(block);
    if (!shown) return 0;
    const { rows, columns } = shown.records;
    if (this.question.filter.kind === 'constant') return this.question.filter.value ? rows : 0;
    const passes = this.#predicate(columns);
    let count = 0;
    for (let row = 0; row < rows; row++) if (passes(row)) count += 1;
    return count;
  }

  #shown(block: LiveBlock): BlockEvents | undefined {
    return blockEvents(block, this.question, this.#view);
  }
}
