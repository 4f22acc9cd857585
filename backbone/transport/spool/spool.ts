import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../logging.js';
import { type DirectoryLock, lockDirectory } from '../../files/directory-lock.js';
import type { SpoolRecord } from './record.js';
import {
  firstPosition,
  recoverSegment,
  type Segment,
  SegmentReader,
  SegmentWriter,
  SpoolDamagedError,
} from './segment.js';
import { DeliveryCheckpoint, type DroppedMessages, readState, type SpoolState, writeState } from './state.js';

export interface SpoolOptions {
  /** Where it lies; made if it is not there. One process at a time may use it. */
  readonly directory: string;
  /** Most bytes on the disk. What comes when they are used takes the place of the oldest, which is counted as lost. */
  readonly maxBytes: number;
  readonly log: Logger;
}

/** A segment is this part of the spool, and at most so long: what is dropped or deleted at a time. */
const SEGMENTS = 8;
const MAX_SEGMENT_BYTES = 16 * 2 ** 20;

/**
 * A queue of messages on the disk, from which they are taken in order and forgotten when they were delivered, and something
 * after them as well: until then they are sent again after a failure, since Kafka may lose what it has said to have
 * (docs/decisions/0006-kafka-exactly-once.md). It has a file for each stretch of positions; the newest is never
 * deleted, since it says which position comes next.
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
  /** Where the messages begin that were delivered last, which are sent again after a failure. */
  #resendFrom: number;
  /** Where the messages begin that are on their way. */
  #sentFrom: number;
  /** Up to which position (exclusive) messages were ever sent, and so may have arrived. */
  #taken: number;
  /** The first position that this process has given. */
  readonly #begun: number;
  /** Resolves when what was asked for so far is done: appending, dropping and taking do not overlap. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    options: SpoolOptions,
    lock: DirectoryLock,
    state: SpoolState,
    segments: Segment[],
    writer: SegmentWriter,
    private readonly note: DeliveryCheckpoint,
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#state = state;
    this.#segments = segments;
    this.#writer = writer;
    this.#begun = writer.segment.end;
    const first = segments[0]?.first ?? 0;
    this.#resendFrom = Math.min(Math.max(note.positions.resendFrom, first), this.#begun);
    this.#taken = Math.max(note.positions.taken, this.#resendFrom);
    this.#delivered = this.#resendFrom;
    this.#sentFrom = this.#resendFrom;
    this.#next = this.#resendFrom;
  }

  /**
   * Opens a spool with what a crash has left in it.
   * @throws DirectoryInUseError if another process uses the directory.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { directory, log } = options;
    await mkdir(directory, { recursive: true });
    const lock = lockDirectory(directory);
    try {
      const state = await readState(directory);
      if (state.dropping !== undefined) await rm(path.join(directory, state.dropping), { force: true });
      const segments: Segment[] = [];
      const names = (await readdir(directory)).filter((name) => firstPosition(name) !== undefined).sort();
      for (const [place, name] of names.entries()) {
        const [first = 0, nextFirst] = names.slice(place, place + 2).map(firstPosition);
        const { cutBytes, ...segment } = await recoverSegment(path.join(directory, name), first, nextFirst);
        if (cutBytes > 0)
          log.warn({ file: segment.file, cutBytes }, 'truncated an incomplete write in the spool');
        segments.push(segment);
      }
      const end = segments.at(-1)?.end ?? 0;
      if (segments.at(-1)?.first === end) segments.pop();
      const writer = await SegmentWriter.create(directory, end);
      segments.push(writer.segment);
      return new Spool(options, lock, state, segments, writer, await DeliveryCheckpoint.open(directory));
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
  get lost(): DroppedMessages {
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
    return this.#runSerially(async () => {
      const bytes = messages.reduce((sum, { value }) => sum + value.length, 0);
      while (this.bytes + bytes > this.#options.maxBytes && (await this.#dropOldest()));
      const { segment } = this.#writer;
      const full = segment.bytes > 0 && segment.bytes + bytes > this.#segmentBytes();
      if (full || this.#torn) await this.#startSegment();
      await this.#append(messages);
    });
  }

  /** The next messages to deliver, in order: none if all are taken, else at least one. */
  take(maxBytes: number): Promise<SpoolRecord[]> {
    return this.#runSerially(async () => {
      for (;;) {
        const records = await this.#read(Math.min(maxBytes, this.#segmentBytes()));
        if (records === undefined) return [];
        const wanted = records.filter(({ position }) => position >= this.#next);
        const last = wanted.at(-1);
        if (last === undefined) continue;
        this.#next = last.position + 1;
        if (this.#next > this.#taken) {
          this.#taken = this.#next;
          await this.#writeNote();
        }
        return wanted;
      }
    });
  }

  /**
   * Begins to deliver after a start or a failure: takes what was delivered last once more, then what comes after it.
   * @param position up to which (exclusive) the sink has all, by what it knows.
   */
  resume(position: number): Promise<void> {
    return this.#runSerially(async () => {
      await this.#closeReader();
      if (position > this.#writer.segment.end) await this.#renumber(position);
      else this.#delivered = Math.max(position, this.#resendFrom);
      this.#next = this.#resendFrom;
      this.#sentFrom = this.#resendFrom;
    });
  }

  /** Says that what was taken is delivered, up to this position (exclusive). */
  confirmDelivered(position: number): Promise<void> {
    return this.#runSerially(() => this.#settle(this.#sentFrom, position));
  }

  /** Goes on at a position, whatever was not delivered before. */
  skipTo(position: number): Promise<void> {
    return this.#runSerially(async () => {
      await this.#closeReader();
      this.#next = position;
      await this.#settle(position, position);
    });
  }

  /** Says that all has arrived that was delivered, and nothing needs to be sent again. */
  finish(): Promise<void> {
    return this.#runSerially(() => this.#settle(this.#delivered, this.#delivered));
  }

  /** Counts messages as lost that were taken but can never be delivered. */
  discard(records: readonly SpoolRecord[]): Promise<void> {
    return this.#runSerially(() => this.#countLost(records));
  }

  async close(): Promise<void> {
    await this.#runSerially(async () => {
      await this.#closeReader();
      await this.#writer.close();
      await this.note.close();
    });
    this.#lock.release();
  }

  #runSerially<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work);
    // Whoever asked for it hears of a failure; those behind have their turn.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #segmentBytes(): number {
    return Math.min(MAX_SEGMENT_BYTES, this.#options.maxBytes / SEGMENTS);
  }

  async #append(messages: readonly Omit<SpoolRecord, 'position'>[]): Promise<void> {
    const { end } = this.#writer.segment;
    // Until all of it is written, the segment may end in half a record.
    this.#torn = true;
    await this.#writer.append(messages.map((message, index) => ({ ...message, position: end + index })));
    this.#torn = false;
  }

  async #startSegment(first = this.#writer.segment.end): Promise<void> {
    const { segment } = this.#writer;
    if (this.#torn) await this.#writer.cut();
    this.#torn = false;
    await this.#writer.close();
    if (segment.first === segment.end) this.#segments.pop();
    this.#writer = await SegmentWriter.create(this.#options.directory, first);
    this.#segments.push(this.#writer.segment);
    if (segment.first === segment.end && segment.file !== this.#writer.segment.file) await rm(segment.file);
    await this.#deleteDelivered();
  }

  /** The next records that lie in the segments; undefined if there are none. */
  async #read(maxBytes: number): Promise<SpoolRecord[] | undefined> {
    for (;;) {
      const segment = this.#segments.find(({ end }) => end > this.#next);
      if (this.#reader && this.#reader.segment !== segment) await this.#closeReader();
      if (segment === undefined) return undefined;
      this.#reader ??= await SegmentReader.open(segment);
      try {
        return await this.#reader.next(maxBytes);
      } catch (error) {
        if (!(error instanceof SpoolDamagedError)) throw error;
        const { lost } = this;
        const messages = segment.end - this.#next;
        this.#options.log.error(
          { reason: error.message, messages },
          'spool segment is damaged; its remaining messages are dropped',
        );
        await this.#saveState({ lost: { ...lost, messages: lost.messages + messages } });
        this.#next = segment.end;
      }
    }
  }

  async #settle(resendFrom: number, delivered: number): Promise<void> {
    this.#resendFrom = resendFrom;
    this.#delivered = Math.max(this.#delivered, delivered);
    this.#sentFrom = delivered;
    this.#taken = Math.max(this.#taken, delivered);
    await this.#writeNote();
    await this.#deleteDelivered();
  }

  async #writeNote(): Promise<void> {
    await this.note.write({ resendFrom: this.#resendFrom, taken: this.#taken });
  }

  /**
   * Has what this process accepted begin at a position. The sink has more than the spool knows of, as after an old copy of it
   * was restored: what was accepted since must not look as if it had arrived.
   */
  async #renumber(position: number): Promise<void> {
    const accepted = this.#segments.filter(({ first, end }) => first >= this.#begun && end > first);
    await this.#startSegment(position);
    let messages = 0;
    for (const segment of accepted) {
      const reader = await SegmentReader.open(segment);
      for (;;) {
        const records = await reader.next(this.#segmentBytes());
        if (records.length === 0) break;
        if (this.#writer.segment.bytes > 0) await this.#startSegment();
        await this.#append(records);
        messages += records.length;
      }
      await reader.close();
    }
    await this.#settle(position, position);
    this.#options.log.warn(
      { position, messages },
      'the spool is older than what was delivered of it; went on there',
    );
  }

  async #deleteDelivered(): Promise<void> {
    for (const segment of this.#segments.slice(0, -1)) {
      if (segment.end > this.#resendFrom) return;
      if (this.#reader?.segment === segment) await this.#closeReader();
      this.#segments.splice(this.#segments.indexOf(segment), 1);
      await rm(segment.file);
    }
  }

  /**
   * Drops the oldest segment of which nothing was ever sent, after it was counted: what is counted as lost never arrives.
   * Says whether there was one.
   */
  async #dropOldest(): Promise<boolean> {
    const segment = this.#segments.slice(0, -1).find(({ first }) => first >= this.#taken);
    if (segment === undefined) return false;
    const reader = await SegmentReader.open(segment);
    const records: SpoolRecord[] = [];
    try {
      for (;;) {
        const more = await reader.next(MAX_SEGMENT_BYTES);
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
