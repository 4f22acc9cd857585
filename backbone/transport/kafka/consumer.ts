import { setTimeout as delay } from 'node:timers/promises';
import { decodeBatch } from '@sonde/model/batch/wire/decode';
import { WireError } from '@sonde/model/batch/wire/wire-error';
import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import { Registry } from 'prom-client';
import type { StreamPosition } from '../interface/stream-positions.js';
import type { Delivery, FlowConsumer, StoredOffset } from '../interface/transport.js';
import { ConsumerMetrics } from './consumer-metrics.js';
import { deadLetter } from './dead-letter.js';
import { GroupMember, type GroupMemberOptions, HEARTBEAT_MS } from './group-member.js';
import { PartitionPosition } from './partition-position.js';
import { parseStreamHeaders } from './stream-headers.js';
import { TopicRecreatedError } from './topic-recreated.js';
import { type BlockLimits, BlockQueue } from './block-queue.js';

export interface KafkaConsumerOptions extends GroupMemberOptions {
  /** Makes the store the writer of partitions and returns the stored offset of each. */
  readonly acquirePartitions: (partitions: readonly number[]) => Promise<ReadonlyMap<number, StoredOffset>>;
  readonly block?: BlockLimits;
  /** Where the metrics are registered. */
  readonly registry?: Registry | undefined;
}

export interface KafkaFlowConsumer extends FlowConsumer {
  /** The partitions that this consumer owns. */
  readonly partitions: readonly number[];
  /** Why no messages can be received; undefined if they can. */
  readonly problem: string | undefined;
  /** Stops consuming; `deliveries` ends, leaves the group and closes the connections. */
  close(): void;
}

/**
 * ClickHouse recommends inserts of 10,000 to 100,000 rows (https://clickhouse.com/docs/optimize/bulk-inserts);
 * short-lived objects cost the garbage collector less.
 */
const DEFAULT_BLOCK: BlockLimits = { rows: 100_000, bytes: 16 * 2 ** 20, ageMs: 1_000 };

/** Fetching pauses above this size of pending messages, and resumes below half of it. */
const MAX_WAITING_BYTES = 24 * 2 ** 20;

const RETRY_MS = 200;

/**
 * After a rejected delivery, partitions are acquired again only once the group has had time to reassign them. Otherwise
 * two enrichers could take them from each other repeatedly.
 */
const AFTER_REFUSAL_MS = HEARTBEAT_MS + 1_000;

/**
 * Consumes flows from Kafka as a member of a consumer group. It resumes each partition at the offset that the store
 * returns on acquisition, so that each flow is stored once (docs/decisions/0005-exactly-once.md). Committed offsets only
 * serve to show lag.
 */
export function createKafkaConsumer(options: KafkaConsumerOptions): KafkaFlowConsumer {
  return new KafkaConsumer(options);
}

/** The partitions assigned to this process, until the next assignment or acquisition. */
interface Assignment {
  readonly partitions: readonly number[];
  readonly ended: AbortController;
  /** The position of each acquired partition. */
  readonly positions: Map<number, PartitionPosition>;
  readonly waiting: BlockQueue;
  /** Commits offsets in the group generation of this assignment. */
  commit?: EachBatchPayload['commitOffsetsIfNecessary'];
}

class KafkaConsumer implements KafkaFlowConsumer {
  readonly #member: GroupMember;
  readonly #metrics: ConsumerMetrics;
  /** Expired messages of these streams are counted up to these positions, by partition. */
  readonly #countedExpired = new Map<string, number>();
  /** Why partitions cannot be acquired; undefined if they can. */
  #acquireProblem: string | undefined;
  #assignment: Assignment | undefined;
  #isPaused = false;
  #closing = false;
  #failure: Error | undefined;
  #lastCommit: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(private readonly options: KafkaConsumerOptions) {
    this.#member = new GroupMember(options, {
      onAssigned: (partitions) => this.#begin(partitions),
      onEnded: () => this.#end(),
      onFetched: (payload) => this.#onFetched(payload),
      onFailed: () => this.#metrics.onFailure(),
      onRefused: (error) => this.#fail(error),
    });
    this.#metrics = new ConsumerMetrics(options.registry ?? new Registry(), () => ({
      lag: new Map([...this.#positions].map(([partition, { lag }]) => [partition, lag])),
      pendingBytes: this.#assignment?.waiting.bytes ?? 0,
    }));
  }

  get partitions(): readonly number[] {
    return [...this.#positions.keys()];
  }

  get #positions(): ReadonlyMap<number, PartitionPosition> {
    return this.#assignment?.positions ?? new Map<number, PartitionPosition>();
  }

  get problem(): string | undefined {
    return this.#member.problem ?? this.#acquireProblem;
  }

  close(): void {
    this.#closing = true;
    this.#notify();
  }

  async *deliveries(): AsyncGenerator<Delivery> {
    try {
      this.#member.join();
      while (!this.#closing) {
        const delivery = await this.#nextDelivery();
        if (delivery) yield delivery;
      }
      if (this.#failure) throw this.#failure;
    } finally {
      this.#closing = true;
      await this.#lastCommit;
      await this.#member.leave();
    }
  }

  /** Drops the pending messages of the partitions: they are delivered again, here or elsewhere. */
  #end(): void {
    this.#assignment?.ended.abort();
    this.#assignment = undefined;
  }

  /** Starts an assignment. Pauses its partitions until they are acquired, before the client fetches anything. */
  #begin(partitions: readonly number[], afterMs = 0): void {
    this.#end();
    this.#metrics.onAssignment();
    this.#acquireProblem = undefined;
    this.options.log.info({ partitions }, 'partitions assigned');
    if (partitions.length === 0) return;
    const waiting = new BlockQueue(this.options.block ?? DEFAULT_BLOCK);
    const assignment = {
      partitions,
      ended: new AbortController(),
      positions: new Map<number, PartitionPosition>(),
      waiting,
    };
    this.#assignment = assignment;
    this.#pause(assignment);
    void this.#acquire(assignment, afterMs);
  }

  /** Acquires the partitions, retrying while the store is unavailable, and seeks to their stored offsets. */
  async #acquire(assignment: Assignment, afterMs: number): Promise<void> {
    if (afterMs > 0) await delay(afterMs);
    while (this.#isCurrent(assignment)) {
      try {
        const positions = await this.#acquiredPositions(assignment.partitions);
        if (!this.#isCurrent(assignment)) return;
        for (const [partition, position] of positions) {
          assignment.positions.set(partition, position);
          this.#member.seek(partition, position.next);
        }
        this.#acquireProblem = undefined;
        this.#resume(assignment);
        return;
      } catch (error) {
        if (error instanceof TopicRecreatedError) {
          this.#fail(error);
          return;
        }
        this.#acquireProblem = `cannot acquire partitions: ${String(error)}`;
        this.options.log.warn({ reason: String(error) }, 'cannot acquire partitions; retrying');
        await delay(RETRY_MS);
      }
    }
  }

  /** Acquires partitions and returns the position of each. */
  async #acquiredPositions(partitions: readonly number[]): Promise<Map<number, PartitionPosition>> {
    const stored = await this.options.acquirePartitions(partitions);
    const kept = await this.#member.topicOffsets();
    const positions = new Map<number, PartitionPosition>();
    for (const partition of partitions) {
      const offset = stored.get(partition) ?? { storedTo: -1, streams: [] };
      const wanted = offset.storedTo + 1;
      const { low, high } = kept.get(partition) ?? { low: 0, high: wanted };
      if (wanted > high) throw new TopicRecreatedError(this.#member.names.flows, partition, wanted, high);
      const position = new PartitionPosition(offset, { low, high });
      positions.set(partition, position);
      if (position.expiredOffsets > 0)
        this.options.log.warn(
          { partition, offsets: position.expiredOffsets },
          'Kafka deleted offsets before they were read; lost messages are counted when their streams continue',
        );
    }
    const next = Object.fromEntries(
      [...positions].map(([partition, position]) => [partition, position.next]),
    );
    this.options.log.info({ next }, 'partitions acquired');
    return positions;
  }

  async #onFetched(payload: EachBatchPayload): Promise<void> {
    const { partition, messages, highWatermark } = payload.batch;
    const assignment = this.#assignment;
    const position = assignment?.positions.get(partition);
    // A payload is stale if it was fetched before the last seek.
    if (!assignment || !position || payload.isStale()) return;
    assignment.commit = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    for (const message of messages) {
      const offset = Number(message.offset);
      if (offset < position.next) continue;
      await this.#receive(assignment.waiting, partition, position, message);
      if (!this.#isCurrent(assignment)) return;
      position.next = offset + 1;
    }
    const last = payload.batch.lastOffset();
    payload.resolveOffset(last);
    position.lag = Math.max(0, Number(highWatermark) - Number(last) - 1);
    if (assignment.waiting.bytes > MAX_WAITING_BYTES) this.#pause(assignment);
    this.#notify();
  }

  /** Queues a message, sends it to the dead-letter topic if it cannot be decoded, or skips it if it is a duplicate. */
  async #receive(
    waiting: BlockQueue,
    partition: number,
    position: PartitionPosition,
    message: KafkaMessage,
  ): Promise<void> {
    const value = message.value ?? Buffer.alloc(0);
    const source = parseStreamHeaders(message.headers);
    this.#metrics.onMessage(value.length);
    if (source && !position.isNew(source)) {
      this.#metrics.onSkipped('duplicate');
      const about = { partition, offset: message.offset, ...source };
      this.options.log.warn(about, 'duplicate message skipped');
      return;
    }
    try {
      const batch = decodeBatch(value);
      const delivered = { batch, partition, offset: Number(message.offset), source };
      waiting.add(delivered, value.length, performance.now());
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      await this.#member.send(deadLetter(this.#member.names, partition, message, error));
      this.#metrics.onSkipped('malformed');
      const about = { partition, offset: message.offset, reason: error.message };
      this.options.log.error(about, 'message cannot be decoded; sent to the dead-letter topic');
    }
    if (source) this.#countExpired(partition, source, position.note(source));
  }

  /** Counts messages that expired before a message of a stream, once: until a block is stored, they are found again. */
  #countExpired(partition: number, { stream, position }: StreamPosition, messages: number): void {
    const key = `${partition}/${stream}`;
    if (messages === 0 || (this.#countedExpired.get(key) ?? -1) >= position) return;
    this.#countedExpired.set(key, position);
    this.#metrics.onSkipped('expired', messages);
    this.options.log.error(
      { partition, stream, messages },
      'messages expired in Kafka before they were stored; increase the topic retention or restore the enrichers sooner',
    );
  }

  /** The next block, or undefined if the state has changed in the meantime. */
  async #nextDelivery(): Promise<Delivery | undefined> {
    const assignment = this.#assignment;
    this.#woken = false;
    const due = assignment?.waiting.dueMs() ?? Infinity;
    if (!assignment || due > performance.now()) {
      await this.#awake(due - performance.now());
      return undefined;
    }
    const batches = assignment.waiting.take();
    if (this.#isPaused && assignment.waiting.bytes < MAX_WAITING_BYTES / 2) this.#resume(assignment);
    return {
      batches,
      signal: assignment.ended.signal,
      confirmStored: () => {
        const last = new Map(batches.map(({ partition, offset }) => [partition, offset]));
        this.#lastCommit = this.#commit(assignment, last);
      },
      rejectDelivery: () => {
        // Another writer acquired a partition, but the group may have assigned it to this process again since.
        if (this.#isCurrent(assignment)) this.#begin(assignment.partitions, AFTER_REFUSAL_MS);
      },
    };
  }

  /** Commits offsets to the group. They only serve to show lag, so failures are ignored. */
  async #commit(assignment: Assignment, last: ReadonlyMap<number, number>): Promise<void> {
    if (!this.#isCurrent(assignment)) return;
    const partitions = [...last].map(([partition, offset]) => ({ partition, offset: String(offset + 1) }));
    try {
      await assignment.commit?.({ topics: [{ topic: this.#member.names.flows, partitions }] });
    } catch (error) {
      this.options.log.debug({ reason: String(error) }, 'offset commit failed');
    }
  }

  #pause({ partitions }: Assignment): void {
    this.#isPaused = true;
    this.#member.pause(partitions);
  }

  #resume({ partitions }: Assignment): void {
    this.#isPaused = false;
    this.#member.resume(partitions);
  }

  #isCurrent(assignment: Assignment): boolean {
    return assignment === this.#assignment;
  }

  #fail(error: Error): void {
    this.#closing = true;
    this.#failure = error;
    this.#notify();
  }

  #notify(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Waits for a change, or at most `maxMs`. */
  async #awake(maxMs: number): Promise<void> {
    if (this.#woken) return;
    const timer = maxMs === Infinity ? undefined : setTimeout(() => this.#notify(), maxMs);
    await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }
}
