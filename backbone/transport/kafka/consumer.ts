import { setTimeout as delay } from 'node:timers/promises';
import { decodeBatch } from '@sonde/model/flow/wire/decode';
import { WireError } from '@sonde/model/flow/wire/wire-error';
import type { Admin, Consumer, EachBatchPayload, Kafka, KafkaMessage, Producer } from 'kafkajs';
import type { Logger } from '../../logging.js';
import type { Delivery, FlowConsumer } from '../transport.js';
import { disconnectAll, type KafkaConnection, kafkaClient, RETRY } from './connection.js';
import { deadLetter } from './dead-letter.js';
import { TopicRecreatedError } from './topic-recreated.js';
import { createTopics, kafkaNames, type KafkaNames, type TopicSettings } from './topics.js';
import { type BlockLimits, WaitingBatches } from './waiting.js';

export interface KafkaConsumerOptions {
  readonly connection: KafkaConnection;
  /** The consumer group: enrichers that share it share the partitions. Named by the connection's prefix if absent. */
  readonly group?: string | undefined;
  /** Creates the topics that there are not; without it they must be there. */
  readonly topics?: TopicSettings | undefined;
  /** Makes the store's writer the one of some partitions, and says up to which offset all of each is stored. */
  readonly claim: (partitions: readonly number[]) => Promise<ReadonlyMap<number, number>>;
  readonly block?: BlockLimits;
  /** How long the group waits for an enricher that does not answer before others take its partitions. */
  readonly sessionTimeoutMs?: number;
  readonly log: Logger;
}

export interface KafkaFlowConsumer extends FlowConsumer {
  /** How things stand, for metrics. */
  readonly counts: ConsumerCounts;
  /** Why nothing can be received at the moment; undefined if nothing hinders it. */
  readonly problem: string | undefined;
  /** Takes no more; `deliveries` ends, leaves the group and lets go of the connections. */
  close(): void;
}

export interface ConsumerCounts {
  /** By partition, how many messages are not yet fetched. */
  readonly lag: ReadonlyMap<number, number>;
  /** Length of the messages that wait to be stored. */
  readonly waitingBytes: number;
  /** Since the start. */
  readonly messages: number;
  readonly bytes: number;
  readonly assignments: number;
  /** Times that the connection failed and was made anew. */
  readonly failures: number;
  /** Messages that could not be read and were put aside. */
  readonly dead: number;
  /** Messages that Kafka had deleted before they were read. */
  readonly expired: number;
}

const DEFAULT_BLOCK: BlockLimits = { rows: 100_000, bytes: 16 * 2 ** 20, ageMs: 1_000 };

/** Nothing more is fetched while so much waits, until half of it is delivered; messages wait as they came. */
const MOST_WAITING_BYTES = 24 * 2 ** 20;

const RETRY_MS = 200;

/**
 * After the store has refused, partitions are claimed anew only when the group must have said whether they are still ours:
 * else two enrichers could take them from each other again and again.
 */
const HEARTBEAT_MS = 3_000;
const AFTER_REFUSAL_MS = HEARTBEAT_MS + 1_000;

/**
 * Receives flows from Kafka as a member of a consumer group. Where to go on in a partition is what the store says when
 * it is claimed, so that each flow is stored once (docs/decisions/0005-exactly-once.md); the offsets that the group
 * keeps are only for showing lag.
 */
export function createKafkaConsumer(options: KafkaConsumerOptions): KafkaFlowConsumer {
  return new KafkaConsumer(options);
}

/** What speaks to Kafka, from connecting until the connection fails. */
interface Clients {
  readonly admin: Admin;
  readonly consumer: Consumer;
  /** Puts messages aside. */
  readonly producer: Producer;
}

/** The partitions that this process has, until the group's next assignment, or until they are claimed anew. */
interface Assignment {
  readonly partitions: readonly number[];
  readonly ended: AbortController;
  /** Offset of the next message of each partition; of those that are claimed. */
  readonly next: Map<number, number>;
  readonly waiting: WaitingBatches;
  /** Commits offsets in the group's generation of this assignment. */
  commit?: EachBatchPayload['commitOffsetsIfNecessary'];
}

class KafkaConsumer implements KafkaFlowConsumer {
  readonly #options: KafkaConsumerOptions;
  readonly #kafka: Kafka;
  readonly #names: KafkaNames;
  #clients: Clients | undefined;
  readonly #lag = new Map<number, number>();
  readonly #counts = { messages: 0, bytes: 0, dead: 0, assignments: 0, failures: 0, expired: 0 };
  #problem: string | undefined = 'not in the consumer group yet';
  #assignment: Assignment | undefined;
  #isPaused = false;
  #closing = false;
  #failure: Error | undefined;
  #connecting: Promise<void> | undefined;
  #lastCommit: Promise<void> | undefined;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(options: KafkaConsumerOptions) {
    this.#options = options;
    this.#kafka = kafkaClient(options.connection, options.log);
    this.#names = kafkaNames(options.connection);
  }

  get counts(): ConsumerCounts {
    return { ...this.#counts, lag: this.#lag, waitingBytes: this.#assignment?.waiting.bytes ?? 0 };
  }

  get problem(): string | undefined {
    return this.#problem;
  }

  close(): void {
    this.#closing = true;
    this.#notify();
  }

  async *deliveries(): AsyncGenerator<Delivery> {
    try {
      this.#connecting = this.#connect();
      while (!this.#closing) {
        const delivery = await this.#nextDelivery();
        if (delivery) yield delivery;
      }
      if (this.#failure) throw this.#failure;
    } finally {
      this.#closing = true;
      await Promise.all([this.#connecting, this.#lastCommit]);
      await this.#disconnect();
    }
  }

  /** Joins the group, however long Kafka is away. */
  async #connect(): Promise<void> {
    while (!this.#closing) {
      const clients = this.#newClients();
      this.#clients = clients;
      try {
        await this.#join(clients);
        return;
      } catch (error) {
        await this.#onFailed(error as Error);
      }
    }
  }

  #newClients(): Clients {
    const { group = this.#names.enrichers, sessionTimeoutMs = 10_000 } = this.#options;
    const consumer = this.#kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(HEARTBEAT_MS, Math.floor(sessionTimeoutMs / 3)),
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: 8 * 2 ** 20,
      maxBytes: 32 * 2 ** 20,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      // When it gives up, all is made anew.
      retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
    });
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false });
    return { admin: this.#kafka.admin(), consumer, producer };
  }

  async #join(clients: Clients): Promise<void> {
    const { admin, producer, consumer } = clients;
    const { topics } = this.#options;
    await Promise.all([admin.connect(), producer.connect(), consumer.connect()]);
    if (topics) await createTopics(admin, this.#names, topics);
    this.#listen(clients);
    await consumer.subscribe({ topics: [this.#names.flows], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: (payload) => this.#onFetched(payload),
    });
  }

  #listen(clients: Clients): void {
    const { consumer } = clients;
    const { GROUP_JOIN, REQUEST, REBALANCING, CRASH } = consumer.events;
    const isCurrent = () => clients === this.#clients;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (isCurrent()) this.#begin(payload.memberAssignment[this.#names.flows] ?? []);
    });
    consumer.on(REBALANCING, () => this.#end());
    // The answer to JoinGroup begins the group's next generation.
    consumer.on(REQUEST, ({ payload }) => {
      if (payload.apiName === 'JoinGroup') this.#end();
    });
    consumer.on(CRASH, ({ payload }) => {
      if (isCurrent()) this.#connecting = this.#onFailed(payload.error).then(() => this.#connect());
    });
  }

  async #onFailed(error: Error): Promise<void> {
    this.#problem = String(error);
    this.#counts.failures += 1;
    await this.#disconnect();
    // Trying again would not make credentials right, and may lock the user out.
    if (error.name === 'KafkaJSSASLAuthenticationError') this.#fail(error);
    if (this.#closing) return;
    this.#options.log.warn({ reason: String(error) }, 'the connection to Kafka failed; connecting again');
    await delay(RETRY_MS);
  }

  async #disconnect(): Promise<void> {
    this.#end();
    const clients = this.#clients;
    this.#clients = undefined;
    if (clients) await disconnectAll([clients.consumer, clients.producer, clients.admin]);
  }

  /** Forgets what is held of the partitions: it comes anew, here or elsewhere. */
  #end(): void {
    this.#assignment?.ended.abort();
    this.#assignment = undefined;
    this.#lag.clear();
  }

  /** Nothing is fetched of partitions until they are claimed: called before the client fetches anything. */
  #begin(partitions: readonly number[], afterMs = 0): void {
    this.#end();
    this.#counts.assignments += 1;
    this.#problem = undefined;
    this.#options.log.info({ partitions }, 'partitions assigned');
    if (partitions.length === 0) return;
    const waiting = new WaitingBatches(this.#options.block ?? DEFAULT_BLOCK);
    const assignment = { partitions, ended: new AbortController(), next: new Map<number, number>(), waiting };
    this.#assignment = assignment;
    this.#pause(assignment);
    void this.#claim(assignment, afterMs);
  }

  /** Claims the partitions, however long the store is away, and goes on where it says. */
  async #claim(assignment: Assignment, afterMs: number): Promise<void> {
    if (afterMs > 0) await delay(afterMs);
    while (this.#isCurrent(assignment)) {
      try {
        const next = await this.#claimedOffsets(assignment.partitions);
        if (!this.#isCurrent(assignment)) return;
        for (const [partition, offset] of next) {
          assignment.next.set(partition, offset);
          this.#clients?.consumer.seek({ topic: this.#names.flows, partition, offset: String(offset) });
        }
        this.#problem = undefined;
        this.#resume(assignment);
        return;
      } catch (error) {
        if (error instanceof TopicRecreatedError) {
          this.#fail(error);
          return;
        }
        this.#problem = `cannot claim partitions: ${String(error)}`;
        this.#options.log.warn({ reason: String(error) }, 'cannot claim partitions; trying again');
        await delay(RETRY_MS);
      }
    }
  }

  /** The offset to go on with in each partition. */
  async #claimedOffsets(partitions: readonly number[]): Promise<Map<number, number>> {
    const storedTo = await this.#options.claim(partitions);
    const kept = (await this.#clients?.admin.fetchTopicOffsets(this.#names.flows)) ?? [];
    const next = new Map<number, number>();
    for (const partition of partitions) {
      const wanted = (storedTo.get(partition) ?? -1) + 1;
      const { low, high } = kept.find((one) => one.partition === partition) ?? { low: 0, high: wanted };
      if (wanted > Number(high))
        throw new TopicRecreatedError(this.#names.flows, partition, wanted, Number(high));
      if (wanted < Number(low)) this.#onExpired(partition, Number(low) - wanted);
      next.set(partition, Math.max(wanted, Number(low)));
      this.#lag.set(partition, Number(high) - (next.get(partition) ?? 0));
    }
    this.#options.log.info({ next: Object.fromEntries(next) }, 'partitions claimed');
    return next;
  }

  async #onFetched(payload: EachBatchPayload): Promise<void> {
    const { partition, messages, highWatermark } = payload.batch;
    const assignment = this.#assignment;
    // Stale is what was fetched before the client was told where to go on.
    if (assignment?.next.has(partition) !== true || payload.isStale()) return;
    assignment.commit = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    for (const message of messages) {
      const offset = Number(message.offset);
      if (offset < (assignment.next.get(partition) ?? 0)) continue;
      await this.#receive(assignment, partition, message);
      if (!this.#isCurrent(assignment)) return;
      assignment.next.set(partition, offset + 1);
    }
    const last = payload.batch.lastOffset();
    payload.resolveOffset(last);
    this.#lag.set(partition, Math.max(0, Number(highWatermark) - Number(last) - 1));
    if (assignment.waiting.bytes > MOST_WAITING_BYTES) this.#pause(assignment);
    this.#notify();
  }

  /** Puts a message with those that wait, or aside if it cannot be read. */
  async #receive({ waiting }: Assignment, partition: number, message: KafkaMessage): Promise<void> {
    const value = message.value ?? Buffer.alloc(0);
    try {
      const batch = decodeBatch(value);
      waiting.add({ batch, partition, offset: Number(message.offset) }, value.length, performance.now());
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      await this.#clients?.producer.send(deadLetter(this.#names, partition, message, error));
      this.#counts.dead += 1;
      const about = { partition, offset: message.offset, reason: error.message };
      this.#options.log.error(about, 'a message cannot be read; put aside');
    }
    this.#counts.messages += 1;
    this.#counts.bytes += value.length;
  }

  #onExpired(partition: number, messages: number): void {
    this.#counts.expired += messages;
    this.#options.log.error(
      { partition, messages },
      'Kafka has deleted messages before they were stored: nobody stored them for longer than it keeps them',
    );
  }

  /** The next block, or undefined if something has changed meanwhile. */
  async #nextDelivery(): Promise<Delivery | undefined> {
    const assignment = this.#assignment;
    this.#woken = false;
    const due = assignment?.waiting.dueMs() ?? Infinity;
    if (!assignment || due > performance.now()) {
      await this.#awake(due - performance.now());
      return undefined;
    }
    const batches = assignment.waiting.take();
    if (this.#isPaused && assignment.waiting.bytes < MOST_WAITING_BYTES / 2) this.#resume(assignment);
    return {
      batches,
      signal: assignment.ended.signal,
      stored: () => {
        const last = new Map(batches.map(({ partition, offset }) => [partition, offset]));
        this.#lastCommit = this.#commit(assignment, last);
      },
      refused: () => {
        // Somebody else claimed them, but the group may have given them back to us since.
        if (this.#isCurrent(assignment)) this.#begin(assignment.partitions, AFTER_REFUSAL_MS);
      },
    };
  }

  /** Tells the group what is stored. Only lag is shown by it, so it may fail. */
  async #commit(assignment: Assignment, last: ReadonlyMap<number, number>): Promise<void> {
    if (!this.#isCurrent(assignment)) return;
    const partitions = [...last].map(([partition, offset]) => ({ partition, offset: String(offset + 1) }));
    try {
      await assignment.commit?.({ topics: [{ topic: this.#names.flows, partitions }] });
    } catch (error) {
      this.#options.log.debug({ reason: String(error) }, 'the group was not told what is stored');
    }
  }

  #pause({ partitions }: Assignment): void {
    this.#isPaused = true;
    this.#clients?.consumer.pause([{ topic: this.#names.flows, partitions: [...partitions] }]);
  }

  #resume({ partitions }: Assignment): void {
    this.#isPaused = false;
    this.#clients?.consumer.resume([{ topic: this.#names.flows, partitions: [...partitions] }]);
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

  /** Waits until something has changed, or for so long. */
  async #awake(longestMs: number): Promise<void> {
    if (this.#woken) return;
    const timer = longestMs === Infinity ? undefined : setTimeout(() => this.#notify(), longestMs);
    await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }
}
