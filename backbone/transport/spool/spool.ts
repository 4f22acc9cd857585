import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Logger } from '../../logging.js';
import { type DirectoryLock, lockDirectory } from '../../files/directory-lock.js';
import type { DamagedRange } from './damage.js';
import { recordSize, type SpoolRecord } from './record.js';
import { firstPosition, type Segment, SegmentWriter } from './segment.js';
import { recoverSegment, SegmentReader } from './segment-reader.js';
import {
  addLosses,
  DeliveryCheckpoint,
  type DroppedMessages,
  NOTHING_LOST,
  readState,
  type SpoolState,
  writeState,
} from './state.js';
import { createDirectory } from '../../files/create-directory.js';

export interface SpoolOptions {
  /** Its directory; created if it does not exist. One process can use it at a time. */
  readonly directory: string;
  /** Maximum size on disk. When it is reached, new messages replace the oldest, which are counted as lost. */
  readonly maxBytes: number;
  readonly log: Logger;
  /** Called with what was lost before the start, and with every later loss. */
  readonly onLost?: (lost: DroppedMessages) => void;
}

/** The size of a segment is this fraction of the spool, up to the maximum: the unit of dropping and deleting. */
const SEGMENTS = 8;
const MAX_SEGMENT_BYTES = 16 * 2 ** 20;

/**
 * A queue of messages on disk. Messages are taken in order and deleted when they and the next ones are delivered: until
 * then they are sent again after a failure, because Kafka may lose what it has acknowledged
 * (docs/decisions/0006-kafka-exactly-once.md). The newest segment is never deleted, because it has the next position.
 * A full disk only fails `append`; the spool can be opened, read and delivered.
 */
export class Spool {
  #state: SpoolState;
  /** The segment that is written; undefined before the first append and after a failed one. */
  #writer: SegmentWriter | undefined;
  #reader: SegmentReader | undefined;
  /** Whether the writer's last write failed, so that its segment may end with half a record. */
  #torn = false;
  /** The position of the next message to append. */
  #end: number;
  /** The position of the next message to take. */
  #next: number;
  /** All messages before it are known to be delivered. */
  #delivered: number;
  /** The first message of the last delivery, which is sent again after a failure. */
  #resendFrom: number;
  /** The first message that was taken and is not confirmed. */
  #sentFrom: number;
  /** Messages before it may have been sent, and so may have arrived. */
  #taken: number;
  /** The first position that this process assigns. */
  readonly #begun: number;
  /** Settles when all operations so far are done: they do not overlap. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly options: SpoolOptions,
    private readonly lock: DirectoryLock,
    state: SpoolState,
    /** In order of positions. */
    private readonly segments: Segment[],
    private readonly checkpoint: DeliveryCheckpoint,
  ) {
    this.#state = state;
    this.#end = segments.at(-1)?.end ?? 0;
    this.#begun = this.#end;
    const { positions } = checkpoint;
    this.#resendFrom = Math.min(Math.max(positions.resendFrom, segments[0]?.first ?? 0), this.#begun);
    this.#taken = Math.max(positions.taken, this.#resendFrom);
    this.#delivered = this.#resendFrom;
    this.#sentFrom = this.#resendFrom;
    this.#next = this.#resendFrom;
  }

  /**
   * Opens a spool with the messages of an earlier process.
   * @throws DirectoryInUseError if another process uses the directory.
   */
  static async open(options: SpoolOptions): Promise<Spool> {
    const { directory, log } = options;
    await createDirectory(directory);
    const lock = lockDirectory(directory);
    try {
      const state = await readState(directory);
      options.onLost?.(state.lost);
      if (state.dropping !== undefined) await rm(path.join(directory, state.dropping), { force: true });
      const segments: Segment[] = [];
      const lost: DamagedRange[] = [];
      const names = (await readdir(directory)).filter((name) => firstPosition(name) !== undefined).sort();
      for (const [place, name] of names.entries()) {
        const [first = 0, nextFirst] = names.slice(place, place + 2).map(firstPosition);
        const recovered = await recoverSegment(path.join(directory, name), first, nextFirst);
        const { cutBytes, lost: range, ...segment } = recovered;
        if (cutBytes > 0) log.warn({ file: segment.file, cutBytes }, 'truncated a spool segment');
        if (range) lost.push(range);
        segments.push(segment);
      }
      const checkpoint = await DeliveryCheckpoint.open(directory);
      const spool = new Spool(options, lock, state, segments, checkpoint);
      for (const range of lost) await spool.#countDamage(range);
      return spool;
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** The unique, random name of the spool. */
  get stream(): string {
    return this.#state.stream;
  }

  /** What was dropped since the spool was created. */
  get lost(): DroppedMessages {
    return this.#state.lost;
  }

  /** The position of the next message to take. */
  get position(): number {
    return this.#next;
  }

  /** Number of messages that are not known to be delivered. */
  get waiting(): number {
    return this.#end - this.#delivered;
  }

  /** Size on disk. */
  get bytes(): number {
    return this.segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /**
   * Appends records; when it resolves, they survive a power failure.
   * @throws the file system's errors; then none of them is in the spool.
   */
  append(records: readonly Omit<SpoolRecord, 'position'>[]): Promise<void> {
    return this.#runSerially(async () => {
      const bytes = records.reduce((sum, record) => sum + recordSize(record), 0);
      while (this.bytes + bytes > this.options.maxBytes && (await this.#dropOldest()));
      await this.#append(records, bytes);
    });
  }

  /** Takes the next messages in order: at least one unless all are taken. */
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
          await this.#writeCheckpoint();
        }
        return wanted;
      }
    });
  }

  /**
   * Restarts delivery after a start or a failure: takes the last delivered messages once more, then the following ones.
   * @param position the delivered position (exclusive) according to the sink.
   */
  resume(position: number): Promise<void> {
    return this.#runSerially(async () => {
      await this.#closeReader();
      if (position > this.#end) await this.#renumber(position);
      else this.#delivered = Math.max(position, this.#resendFrom);
      this.#next = this.#resendFrom;
      this.#sentFrom = this.#resendFrom;
    });
  }

  /** Confirms that the taken messages are delivered, up to this position (exclusive). */
  confirmDelivered(position: number): Promise<void> {
    return this.#runSerially(() => this.#settle(this.#sentFrom, position));
  }

  /** Continues at a position; earlier messages are not delivered anymore. */
  skipTo(position: number): Promise<void> {
    return this.#runSerially(async () => {
      await this.#closeReader();
      this.#next = position;
      await this.#settle(position, position);
    });
  }

  /** Confirms that all delivered messages have arrived, so that none is sent again. */
  finish(): Promise<void> {
    return this.#runSerially(() => this.#settle(this.#delivered, this.#delivered));
  }

  /** Counts messages as lost that were taken but can never be delivered. */
  discard(records: readonly SpoolRecord[]): Promise<void> {
    return this.#runSerially(() => this.#countLost(lossOf(records)));
  }

  async close(): Promise<void> {
    await this.#runSerially(async () => {
      await this.#closeReader();
      await this.#writer?.close();
      await this.checkpoint.close();
    });
    this.lock.release();
  }

  #runSerially<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#turn.then(work);
    // The caller handles the failure; later operations still run.
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #segmentBytes(): number {
    return Math.min(MAX_SEGMENT_BYTES, this.options.maxBytes / SEGMENTS);
  }

  async #append(records: readonly Omit<SpoolRecord, 'position'>[], bytes: number): Promise<void> {
    const writer = await this.#writerFor(bytes);
    this.#torn = true;
    await writer.append(records.map((record, index) => ({ ...record, position: this.#end + index })));
    this.#torn = false;
    this.#end = writer.segment.end;
  }

  async #writerFor(bytes: number): Promise<SegmentWriter> {
    const written = this.#writer?.segment.bytes ?? 0;
    const isFull = written > 0 && written + bytes > this.#segmentBytes();
    if (this.#writer && !isFull && !this.#torn) return this.#writer;
    return await this.#startSegment(this.#end);
  }

  async #startSegment(first: number): Promise<SegmentWriter> {
    const former = this.segments.at(-1);
    if (this.#torn) await this.#writer?.cut();
    this.#torn = false;
    await this.#writer?.close();
    this.#writer = undefined;
    const writer = await SegmentWriter.create(this.options.directory, first);
    if (former?.first === former?.end) this.segments.pop();
    this.segments.push(writer.segment);
    this.#writer = writer;
    this.#end = first;
    if (former && former.first === former.end && former.file !== writer.segment.file) await rm(former.file);
    await this.#deleteDelivered();
    return writer;
  }

  /** The next records in the segments; undefined if there are none. */
  async #read(maxBytes: number): Promise<readonly SpoolRecord[] | undefined> {
    for (;;) {
      const segment = this.segments.find(({ end }) => end > this.#next);
      if (this.#reader && this.#reader.segment !== segment) await this.#closeReader();
      if (segment === undefined) return undefined;
      this.#reader ??= await SegmentReader.open(segment);
      const read = await this.#reader.next(maxBytes);
      if (read.kind === 'damage') {
        await this.#countDamage(read.range);
        this.#next = Math.max(this.#next, read.range.end);
      } else if (read.records.length > 0) return read.records;
      else this.#next = segment.end;
    }
  }

  async #settle(resendFrom: number, delivered: number): Promise<void> {
    this.#resendFrom = resendFrom;
    this.#delivered = Math.max(this.#delivered, delivered);
    this.#sentFrom = delivered;
    this.#taken = Math.max(this.#taken, delivered);
    await this.#writeCheckpoint();
    await this.#deleteDelivered();
  }

  /** Without a checkpoint, the next process only sends more again; that must not keep messages from being delivered. */
  async #writeCheckpoint(): Promise<void> {
    try {
      await this.checkpoint.write({ resendFrom: this.#resendFrom, taken: this.#taken });
    } catch (error) {
      this.options.log.warn({ reason: String(error) }, 'cannot record the delivered position of the spool');
    }
  }

  /**
   * Moves the messages that this process accepted to a position. The sink has more than the spool knows, for example
   * because an old copy of the spool was restored: new messages must not look delivered.
   */
  async #renumber(position: number): Promise<void> {
    const accepted = this.segments.filter(({ first, end }) => first >= this.#begun && end > first);
    await this.#startSegment(position);
    let messages = 0;
    for (const segment of accepted) {
      const reader = await SegmentReader.open(segment);
      for (;;) {
        const read = await reader.next(this.#segmentBytes());
        if (read.kind === 'damage') {
          await this.#countDamage(read.range);
          continue;
        }
        if (read.records.length === 0) break;
        await this.#append(read.records, this.#segmentBytes());
        messages += read.records.length;
      }
      await reader.close();
    }
    await this.#settle(position, position);
    this.options.log.warn(
      { position, messages },
      'the spool is older than what was delivered from it; continuing at the delivered position',
    );
  }

  async #deleteDelivered(): Promise<void> {
    for (const segment of this.segments.slice(0, -1)) {
      if (segment.end > this.#resendFrom) return;
      await this.#delete(segment);
    }
  }

  async #delete(segment: Segment): Promise<void> {
    if (this.#reader?.segment === segment) await this.#closeReader();
    this.segments.splice(this.segments.indexOf(segment), 1);
    await rm(segment.file);
  }

  /**
   * Drops the oldest segment of which nothing was ever sent, after counting it: what is counted as lost never arrives.
   * Returns whether there was one.
   */
  async #dropOldest(): Promise<boolean> {
    const segment = this.segments.slice(0, -1).find(({ first }) => first >= this.#taken);
    if (segment === undefined) return false;
    let lost = NOTHING_LOST;
    const reader = await SegmentReader.open(segment);
    try {
      for (;;) {
        const read = await reader.next(MAX_SEGMENT_BYTES);
        if (read.kind === 'damage') lost = addLosses(lost, this.#uncounted(read.range));
        else if (read.records.length === 0) break;
        else lost = addLosses(lost, lossOf(read.records));
      }
    } finally {
      await reader.close();
    }
    const dropping = path.basename(segment.file);
    try {
      await this.#countLost(lost, { dropping });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      // Deleting the segment makes room for the state.
      await this.#delete(segment);
      await writeState(this.options.directory, this.#state);
      return true;
    }
    await this.#delete(segment);
    return true;
  }

  /** Damaged messages that are not counted yet: after a failure or restart, damage is read again. */
  #uncounted({ first, end, contents }: DamagedRange): DroppedMessages {
    return this.#state.damaged?.includes(first) === true
      ? NOTHING_LOST
      : { messages: end - first, ...contents };
  }

  async #countDamage(range: DamagedRange): Promise<void> {
    const lost = this.#uncounted(range);
    if (lost.messages === 0) return;
    this.options.log.error({ position: range.first, ...lost }, 'the spool is damaged; messages are lost');
    const kept = (this.#state.damaged ?? []).filter((first) => first >= (this.segments[0]?.first ?? 0));
    await this.#countLost(lost, { damaged: [...kept, range.first] });
  }

  /** Counts losses, which stay counted in this process even if they cannot be written. */
  async #countLost(lost: DroppedMessages, change: Partial<SpoolState> = {}): Promise<void> {
    const { stream, damaged } = this.#state;
    this.#state = { stream, damaged, ...change, lost: addLosses(this.lost, lost) };
    this.options.onLost?.(lost);
    await writeState(this.options.directory, this.#state);
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.close();
  }
}

/** The loss of records: one message of each, since the others are copies. */
export function lossOf(records: readonly Pick<SpoolRecord, 'contents'>[]): DroppedMessages {
  return records.reduce((sum, { contents }) => addLosses(sum, { messages: 1, ...contents }), NOTHING_LOST);
}
