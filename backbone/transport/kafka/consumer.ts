import { setTimeout as delay } from 'node:timers/promises';
import { decodeBatch, WireError } from '@sonde/model/flow/wire/decode';
import type { Admin, Consumer, EachBatchPayload, Producer } from 'kafkajs';
import type { Logger } from '../../logging.js';
import type { Delivery, FlowConsumer } from '../transport.js';
import { type KafkaConnection, kafkaClient } from './connection.js';
import { deadLetter } from './dead-letter.js';
import {
  type Progress,
  progressMetadata,
  readProgress,
  resumePoint,
  TopicRecreatedError,
} from './offsets.js';
import { type BlockLimits, PartitionQueue } from './partition.js';
import { createTopics, FLOWS_TOPIC, type TopicSettings } from './topics.js';

export interface KafkaConsumerOptions {
  readonly connection: KafkaConnection;
  /** The consumer group: enrichers that share it share the partitions. */
  readonly group: string;
  /** Creates the topics that there are not; without it they must be there. */
  readonly topics?: TopicSettings | undefined;
  /** The highest offset of each partition that the store holds. */
  readonly highestOffsets: () => Promise<ReadonlyMap<number, number>>;
  readonly block?: BlockLimits;
  /** How long the group waits for an enricher that does not answer before others take its partitions. */
  readonly sessionTimeoutMs?: number;
  readonly log: Logger;
}

export interface KafkaFlowConsumer extends FlowConsumer {
  /** How things stand, for metrics. */
  readonly counts: ConsumerCounts;
  /** Takes no more; `deliveries` ends, leaves the group and lets go of the connections. */
  close(): void;
}

export interface ConsumerCounts {
  /** By partition, how many messages are not yet fetched. */
  readonly lag: ReadonlyMap<number, number>;
  /** Since the start. */
  readonly messages: number;
  readonly bytes: number;
  readonly dead: number;
  readonly assignments: number;
  /** Messages that Kafka had deleted before they were read. */
  readonly expired: number;
  /** Length of the messages that wait to be stored. */
  readonly waitingBytes: number;
}

const DEFAULT_BLOCK: BlockLimits = { rows: 200_000, bytes: 64 * 2 ** 20, ageMs: 1_000 };

/** A partition is not read on while so much of it waits. */
const MOST_WAITING_BYTES = 32 * 2 ** 20;

const RETRY_MS = 200;

/**
 * Receives flows from Kafka as a member of a consumer group, each exactly once whatever is killed
 * (docs/decisions/0006-kafka-exactly-once.md). Before a block is delivered, its offsets are committed to the group as
 * "being stored". Kafka takes that only from the partition's owner, so at any time one block of a partition at most can
 * be half stored, and whoever gets the partition next knows which, and makes the same block again.
 */
export function createKafkaConsumer(options: KafkaConsumerOptions): KafkaFlowConsumer {
  return new KafkaConsumer(options);
}

/** The partitions that this process has, from one assignment of the group to the next. */
interface Assignment {
  readonly taken: AbortController;
  readonly queues: Map<number, PartitionQueue>;
  /** Commits with the group's generation of this assignment. */
  commit: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
}

class KafkaConsumer implements KafkaFlowConsumer {
  readonly #options: KafkaConsumerOptions;
  readonly #block: BlockLimits;
  readonly #admin: Admin;
  readonly #consumer: Consumer;
  readonly #producer: Producer;
  readonly #lag = new Map<number, number>();
  readonly #counts = { messages: 0, bytes: 0, dead: 0, assignments: 0, expired: 0 };
  #assignment: Assignment | undefined;
  #closing = false;
  #failure: Error | undefined;
  #lastCommit: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(options: KafkaConsumerOptions) {
    this.#options = options;
    this.#block = options.block ?? DEFAULT_BLOCK;
    const { connection, group, log, sessionTimeoutMs = 30_000 } = options;
    const kafka = kafkaClient(connection, log);
    this.#admin = kafka.admin();
    this.#producer = kafka.producer({ allowAutoTopicCreation: false });
    this.#consumer = kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 3)),
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: 8 * 2 ** 20,
      maxBytes: 64 * 2 ** 20,
      allowAutoTopicCreation: false,
      readUncommitted: false,
    });
    this.#listen();
  }

  get counts(): ConsumerCounts {
    const queues = [...(this.#assignment?.queues.values() ?? [])];
    return {
      ...this.#counts,
      lag: this.#lag,
      waitingBytes: queues.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  close(): void {
    this.#closing = true;
    this.#notify();
  }

  async *deliveries(): AsyncGenerator<Delivery> {
    try {
      await this.#connect();
      while (!this.#closing) {
        if (this.#failure) throw this.#failure;
        const delivery = await this.#nextDelivery();
        if (delivery) yield delivery;
      }
    } finally {
      await this.#stop();
    }
  }

  /** Joins the group, however long Kafka is away. */
  async #connect(): Promise<void> {
    while (!this.#closing) {
      try {
        await this.#join();
        return;
      } catch (error) {
        // Trying again would not make them right, and may lock the user out.
        if ((error as Error).name === 'KafkaJSSASLAuthenticationError') throw error;
        this.#options.log.warn({ reason: String(error) }, 'cannot reach Kafka; trying again');
        await delay(RETRY_MS);
      }
    }
  }

  async #join(): Promise<void> {
    const { topics } = this.#options;
    await Promise.all([this.#admin.connect(), this.#producer.connect(), this.#consumer.connect()]);
    if (topics) await createTopics(this.#admin, topics);
    await this.#consumer.subscribe({ topics: [FLOWS_TOPIC], fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#onFetched(payload),
    });
  }

  #listen(): void {
    const { GROUP_JOIN, REQUEST, REBALANCING, CRASH, STOP } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) =>
      this.#onAssigned(payload.memberAssignment[FLOWS_TOPIC] ?? []),
    );
    // The answer to JoinGroup begins the group's next generation: before it, what was delivered is still ours.
    this.#consumer.on(REQUEST, ({ payload }) => {
      if (payload.apiName === 'JoinGroup') this.#onTaken();
    });
    for (const event of [REBALANCING, STOP]) this.#consumer.on(event, () => this.#onTaken());
    this.#consumer.on(CRASH, ({ payload }) => {
      this.#onTaken();
      if (!payload.restart) this.#fail(payload.error);
    });
  }

  async #stop(): Promise<void> {
    const assignment = this.#assignment;
    await this.#lastCommit;
    await this.#consumer.disconnect();
    assignment?.taken.abort();
    await Promise.allSettled([this.#producer.disconnect(), this.#admin.disconnect()]);
  }

  #onTaken(): void {
    this.#assignment?.taken.abort();
    this.#assignment = undefined;
    this.#lag.clear();
  }

  /** Runs before the client fetches anything: nothing comes of a partition until it is known where to go on. */
  #onAssigned(partitions: readonly number[]): void {
    this.#onTaken();
    this.#counts.assignments += 1;
    const assignment: Assignment = { taken: new AbortController(), queues: new Map(), commit: undefined };
    this.#assignment = assignment;
    this.#options.log.info({ partitions }, 'partitions assigned');
    if (partitions.length === 0) return;
    this.#consumer.pause([{ topic: FLOWS_TOPIC, partitions: [...partitions] }]);
    void this.#resume(assignment, partitions);
  }

  /** Finds out where to go on in new partitions, however long that takes, and goes on. */
  async #resume(assignment: Assignment, partitions: readonly number[]): Promise<void> {
    while (assignment === this.#assignment) {
      try {
        const points = await this.#resumePoints(partitions);
        if (this.#isTaken(assignment)) return;
        for (const queue of points) {
          const { partition, next } = queue;
          assignment.queues.set(partition, queue);
          this.#consumer.seek({ topic: FLOWS_TOPIC, partition, offset: String(next) });
        }
        this.#consumer.resume([{ topic: FLOWS_TOPIC, partitions: [...partitions] }]);
        return;
      } catch (error) {
        if (error instanceof TopicRecreatedError) {
          this.#fail(error);
          return;
        }
        this.#options.log.warn({ reason: String(error) }, 'cannot find out where to go on; trying again');
        await delay(RETRY_MS);
      }
    }
  }

  async #resumePoints(partitions: readonly number[]): Promise<PartitionQueue[]> {
    const { group, highestOffsets, log } = this.#options;
    const [[committed], ends, stored] = await Promise.all([
      this.#admin.fetchOffsets({ groupId: group, topics: [FLOWS_TOPIC] }),
      this.#admin.fetchTopicOffsets(FLOWS_TOPIC),
      highestOffsets(),
    ]);
    return partitions.map((partition) => {
      const offset = committed?.partitions.find((one) => one.partition === partition);
      const progress = offset && readProgress(offset.offset, offset.metadata);
      const point = resumePoint(progress, stored.get(partition));
      const end = ends.find((one) => one.partition === partition);
      if (end && point.next > Number(end.high)) {
        throw new TopicRecreatedError(FLOWS_TOPIC, partition, point.next, Number(end.high));
      }
      const low = Number(end?.low ?? 0);
      if (point.next < low) this.#onExpired(partition, point.next, low);
      log.info({ partition, ...point }, 'going on in a partition');
      return new PartitionQueue(partition, { ...point, next: Math.max(point.next, low) });
    });
  }

  async #onFetched(payload: EachBatchPayload): Promise<void> {
    const { partition, messages, highWatermark } = payload.batch;
    const assignment = this.#assignment;
    const queue = assignment?.queues.get(partition);
    if (!assignment || !queue) return;
    assignment.commit = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    for (const message of messages) {
      const offset = Number(message.offset);
      if (offset < queue.next) continue;
      const value = message.value ?? Buffer.alloc(0);
      try {
        const batch = decodeBatch(value);
        queue.add({ batch, partition, offset }, value.length, performance.now());
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        if (!queue.wasDealtWith(offset)) await this.#bury(partition, message, error);
        if (this.#isTaken(assignment)) return;
      }
      queue.next = offset + 1;
      this.#counts.messages += 1;
      this.#counts.bytes += value.length;
    }
    const last = payload.batch.lastOffset();
    queue.next = Math.max(queue.next, Number(last) + 1);
    payload.resolveOffset(last);
    this.#lag.set(partition, Math.max(0, Number(highWatermark) - queue.next));
    if (queue.bytes > MOST_WAITING_BYTES) payload.pause();
    this.#notify();
  }

  async #bury(partition: number, message: EachBatchPayload['batch']['messages'][number], error: WireError) {
    await this.#producer.send(deadLetter(FLOWS_TOPIC, partition, message, error));
    this.#counts.dead += 1;
    const { log } = this.#options;
    log.error(
      { partition, offset: message.offset, reason: error.message },
      'a message cannot be read; put aside',
    );
  }

  #onExpired(partition: number, next: number, low: number): void {
    this.#counts.expired += low - next;
    this.#options.log.error(
      { partition, messages: low - next },
      'Kafka has deleted messages before they were stored: its retention is shorter than this enricher was behind',
    );
  }

  /** The next block of whichever partition has waited longest, once its progress is committed. */
  async #nextDelivery(): Promise<Delivery | undefined> {
    const assignment = this.#assignment;
    this.#woken = false;
    const queue = assignment && this.#firstDue(assignment);
    const due = queue?.dueMs(this.#block) ?? Infinity;
    if (!assignment || !queue || due > performance.now()) {
      await this.#awake(due - performance.now());
      return undefined;
    }
    const { batches, mayBeStored } = queue.take(this.#block);
    this.#resumeIfEmptied(queue);
    const first = batches[0]?.offset;
    const last = batches.at(-1)?.offset;
    // Kafka may have deleted what was to be stored again.
    if (first === undefined || last === undefined) return undefined;
    queue.isDelivering = true;
    if (!(await this.#commit(assignment, queue, { next: first, storing: last }))) return undefined;
    const { signal } = assignment.taken;
    const stored = () => {
      queue.isDelivering = false;
      this.#notify();
      // It only spares the next owner from storing the block again, so it may fail.
      this.#lastCommit = this.#commitOnce(assignment, queue, { next: last + 1 }).catch(() => undefined);
    };
    return { batches, mayBeStored, signal, stored };
  }

  #firstDue({ queues }: Assignment): PartitionQueue | undefined {
    let first: PartitionQueue | undefined;
    let firstMs = Infinity;
    for (const queue of queues.values()) {
      const due = queue.dueMs(this.#block);
      if (due < firstMs) [first, firstMs] = [queue, due];
    }
    return first;
  }

  #resumeIfEmptied({ partition, bytes }: PartitionQueue): void {
    if (bytes > MOST_WAITING_BYTES / 2) return;
    const paused = this.#consumer.paused().some(({ partitions }) => partitions.includes(partition));
    if (paused) this.#consumer.resume([{ topic: FLOWS_TOPIC, partitions: [partition] }]);
  }

  /** Commits progress until Kafka has taken it; says whether it did before the partition went to somebody else. */
  async #commit(assignment: Assignment, queue: PartitionQueue, progress: Progress): Promise<boolean> {
    for (;;) {
      if (this.#isTaken(assignment)) return false;
      try {
        await this.#commitOnce(assignment, queue, progress);
        return !this.#isTaken(assignment);
      } catch (error) {
        this.#options.log.debug({ reason: String(error), ...progress }, 'progress was not committed');
        await delay(RETRY_MS);
      }
    }
  }

  async #commitOnce(
    assignment: Assignment,
    { partition }: PartitionQueue,
    progress: Progress,
  ): Promise<void> {
    // A former assignment must not speak through the generation of the present one.
    if (this.#isTaken(assignment) || !assignment.commit) throw new Error('the partition was taken away');
    const offset = { partition, offset: String(progress.next), metadata: progressMetadata(progress) };
    await assignment.commit({ topics: [{ topic: FLOWS_TOPIC, partitions: [offset] }] });
  }

  #isTaken(assignment: Assignment): boolean {
    return assignment !== this.#assignment;
  }

  #fail(error: Error): void {
    this.#failure = error;
    this.#notify();
  }

  #notify(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Waits until something has changed, or for so long. */
  async #awake(longestMs: number): Promise<void> {
    if (this.#woken) return;
    const timer = longestMs === Infinity ? undefined : setTimeout(() => this.#notify(), longestMs);
    await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }
}
