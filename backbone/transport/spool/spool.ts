import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../logging.js';
import { type DirectoryLock, lockDirectory } from '../../store/directory-lock.js';
import type { SpoolRecord } from './record.js';
import {
  firstPosition,
  recoverSegment,
  type Segment,
  SegmentReader,
  SegmentWriter,
  SpoolDamagedError,
} from './segment.js';
import { DeliveredNote, type LostMessages, readState, type SpoolState, writeState } from './state.js';

export interface SpoolOptions {
  /** Where it lies; made if it is not there. One process at a time may use it. */
  readonly directory: string;
  /** Most bytes on the disk. What comes when they are used takes the place of the oldest, which is counted as lost. */
  readonly mostBytes: number;
  readonly log: Logger;
}

/** A segment is this part of the spool, and at most so long: what is dropped or deleted at a time. */
const SEGMENTS = 8;
const MOST_SEGMENT_BYTES = 16 * 2 ** 20;

/**
 * A queue of messages on the disk, from which they are taken in order and forgotten when they were delivered. It has
 * a file for each stretch of positions; the newest is never deleted, since it says which position comes next.
 */
export class Spool {
  readonly #options: SpoolOptions;
  readonly #lock: DirectoryLock;
  #state: SpoolState;
  /** In order of positions; the last one is being written. */
  readonly #segments: Segment[];
  #writer: SegmentWriter;
  #reader: SegmentReader | undefined;
  /** Whether the writer's last write failed. */
  #torn = false;
  /** The next position to be taken. */
  #next: number;
  /** Up to which position (exclusive) all is known to be delivered. */
  #delivered: number;
  /** Where it was delivered to has not said yet how much it has. */
  #unsettled = true;
  /** Resolves when what was asked for so far is done: appending, dropping and taking do not overlap. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    options: SpoolOptions,
    lock: DirectoryLock,
    state: SpoolState,
    segments: Segment[],
    writer: SegmentWriter,
    private readonly note: DeliveredNote,
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#state = state;
    this.#segments = segments;
    this.#writer = writer;
    this.#delivered = Math.max(note.position, segments[0]?.first ?? 0);
    this.#next = this.#delivered;
  }

  /**
   * Opens a spool with what a crash has left in it.
   * @throws StoreError if another process uses the directory.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { directory, log } = options;
    await mkdir(directory, { recursive: true });
    const lock = lockDirectory(directory);
    try {
      const state = await readState(directory);
      if (state.dropping !== undefined) await rm(path.join(directory, state.dropping), { force: true });
      const segments: Segment[] = [];
      for (const name of (await readdir(directory)).sort()) {
        const first = firstPosition(name);
        if (first === undefined) continue;
        const { cutBytes, ...segment } = await recoverSegment(path.join(directory, name), first);
        if (cutBytes > 0)
          log.warn({ file: segment.file, cutBytes }, 'cut an unfinished write from the spool');
        segments.push(segment);
      }
      const end = segments.at(-1)?.end ?? 0;
      if (segments.at(-1)?.first === end) segments.pop();
      const writer = await SegmentWriter.create(directory, end);
      segments.push(writer.segment);
      return new Spool(options, lock, state, segments, writer, await DeliveredNote.open(directory));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** The spool's name, random: tells it from every other. */
  get stream(): string {
    return this.#state.stream;
  }

  /** What was dropped since the spool was made. */
  get lost(): LostMessages {
    return this.#state.lost;
  }

  /** The position that is taken next. */
  get position(): number {
    return this.#next;
  }

  /** How many messages wait to be delivered. */
  get waiting(): number {
    return this.#writer.segment.end - this.#delivered;
  }

  /** Length of everything on the disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Puts messages at the end; when it resolves, they survive a power cut.
   * @throws the file system's errors: then none of the messages is in the spool.
   */
  append(messages: readonly Omit<SpoolRecord, 'position'>[]): Promise<void> {
    return this.#inTurn(async () => {
      const bytes = messages.reduce((sum, { value }) => sum + value.length, 0);
      while (this.bytes + bytes > this.#options.mostBytes && (await this.#dropOldest()));
      const { segment } = this.#writer;
      const full = segment.bytes > 0 && segment.bytes + bytes > this.#segmentBytes();
      if (full || this.#torn) await this.#startSegment();
      // Until all of it is written, the segment may end in half a record.
      this.#torn = true;
      await this.#append(messages);
      this.#torn = false;
    });
  }

  /** The next messages to deliver, in order: none if all are taken, else at least one. */
  take(mostBytes: number): Promise<SpoolRecord[]> {
    return this.#inTurn(async () => {
      for (;;) {
        const records = await this.#read(mostBytes);
        if (records === undefined) return [];
        const wanted = records.filter(({ position }) => position >= this.#next);
        const last = wanted.at(-1);
        if (last === undefined) continue;
        this.#next = last.position + 1;
        return wanted;
      }
    });
  }

  /** Says up to which position (exclusive) all is delivered, and takes from there on. */
  resume(position: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#closeReader();
      this.#next = position;
      this.#unsettled = false;
      await this.#settle(position);
      if (position > this.#writer.segment.end) await this.#startSegment(position);
    });
  }

  /** Says that what was taken is delivered, up to this position (exclusive). */
  delivered(position: number): Promise<void> {
    return this.#inTurn(() => this.#settle(position));
  }

  /** Counts messages as lost that were taken but can never be delivered. */
  giveUp(records: readonly SpoolRecord[]): Promise<void> {
    return this.#inTurn(() => this.#countLost(records));
  }

  async close(): Promise<void> {
    await this.#inTurn(async () => {
      await this.#closeReader();
      await this.#writer.close();
      await this.note.close();
    });
    this.#lock.release();
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work);
    // Whoever asked for it hears of a failure; those behind have their turn.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #segmentBytes(): number {
    return Math.min(MOST_SEGMENT_BYTES, this.#options.mostBytes / SEGMENTS);
  }

  async #append(messages: readonly Omit<SpoolRecord, 'position'>[]): Promise<void> {
    const { end } = this.#writer.segment;
    await this.#writer.append(messages.map((message, index) => ({ ...message, position: end + index })));
  }

  async #startSegment(first = this.#writer.segment.end): Promise<void> {
    const { segment } = this.#writer;
    await this.#writer.close();
    if (segment.first === segment.end) this.#segments.pop();
    this.#writer = await SegmentWriter.create(this.#options.directory, first);
    this.#segments.push(this.#writer.segment);
    if (segment.first === segment.end && segment.file !== this.#writer.segment.file) await rm(segment.file);
    await this.#deleteDelivered();
  }

  /** The next records that lie in the segments; undefined if there are none. */
  async #read(mostBytes: number): Promise<SpoolRecord[] | undefined> {
    for (;;) {
      const segment = this.#segments.find(({ end }) => end > this.#next);
      if (this.#reader && this.#reader.segment !== segment) await this.#closeReader();
      if (segment === undefined) return undefined;
      this.#reader ??= await SegmentReader.open(segment);
      try {
        return await this.#reader.next(mostBytes);
      } catch (error) {
        if (!(error instanceof SpoolDamagedError)) throw error;
        const { lost } = this;
        const messages = segment.end - this.#next;
        this.#options.log.error({ reason: error.message, messages }, 'a part of the spool is lost');
        await this.#saveState({ lost: { ...lost, messages: lost.messages + messages } });
        this.#next = segment.end;
      }
    }
  }

  async #settle(position: number): Promise<void> {
    this.#delivered = position;
    await this.note.write(position);
    await this.#deleteDelivered();
  }

  async #deleteDelivered(): Promise<void> {
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment.end > this.#delivered) return;
      if (this.#reader?.segment === segment) await this.#closeReader();
      this.#segments.splice(this.#segments.indexOf(segment), 1);
      await rm(segment.file);
    }
  }

  /**
   * Drops the oldest segment of which nothing is being delivered or may have been, after it was counted: what is counted
   * as lost never arrives. Says whether there was one.
   */
  async #dropOldest(): Promise<boolean> {
    const segment = this.#segments
      .slice(0, -1)
      .find(({ first }) => first >= this.#next && !(this.#unsettled && first <= this.#delivered));
    if (segment === undefined) return false;
    const reader = await SegmentReader.open(segment);
    const records: SpoolRecord[] = [];
    try {
      for (;;) {
        const more = await reader.next(MOST_SEGMENT_BYTES);
        if (more.length === 0) break;
        // Only what is counted is kept of them.
        records.push(...more.map((record) => ({ ...record, value: new Uint8Array(0) })));
      }
    } catch (error) {
      if (!(error instanceof SpoolDamagedError)) throw error;
    } finally {
      await reader.close();
    }
    await this.#countLost(records, path.basename(segment.file));
    if (this.#reader?.segment === segment) await this.#closeReader();
    this.#segments.splice(this.#segments.indexOf(segment), 1);
    await rm(segment.file);
    return true;
  }

  async #countLost(records: readonly SpoolRecord[], dropping?: string): Promise<void> {
    const lost = records.reduce(
      (sum, { contents }) => ({
        messages: sum.messages + 1,
        flows: sum.flows + contents.flows,
        lookups: sum.lookups + contents.lookups,
      }),
      this.lost,
    );
    await this.#saveState({ lost, ...(dropping !== undefined && { dropping }) });
  }

  async #saveState(change: Partial<SpoolState>): Promise<void> {
    const { stream, lost } = this.#state;
    const state = { stream, lost, ...change };
    await writeState(this.#options.directory, state);
    this.#state = state;
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.close();
  }
}
