import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Consumer, EachBatchPayload, Producer, ProducerRecord } from 'kafkajs';
import type { Logger } from '../../logging.js';
import { isAuthenticationFailure, type KafkaConnection, RETRY } from './connection.js';
import type { TopicOffsets } from './partition-position.js';
import { KafkaSession } from './session.js';
import {
  createTopics,
  kafkaNames,
  type KafkaNames,
  METADATA_MAX_AGE_MS,
  type TopicSettings,
} from './topics.js';

export interface GroupMemberOptions {
  readonly connection: KafkaConnection;
  /** The consumer group: enrichers that share it share the partitions. Named by the connection's prefix if absent. */
  readonly group?: string | undefined;
  /** Creates missing topics; without it they must exist. */
  readonly topics?: TopicSettings | undefined;
  /** Session timeout: how long until the partitions of an unresponsive enricher are reassigned. */
  readonly sessionTimeoutMs?: number;
  readonly log: Logger;
}

/** Callbacks of a group member. */
export interface GroupListener {
  /** These partitions are assigned until `onEnded`. Nothing has been fetched from them yet. */
  onAssigned(partitions: readonly number[]): void;
  /** The assignment has ended. */
  onEnded(): void;
  /** A batch was fetched; the next one follows when this resolves. */
  onFetched(payload: EachBatchPayload): Promise<void>;
  /** The connection failed; a new one is attempted. */
  onFailed(): void;
  /** The member has left permanently because a retry would not help. */
  onRefused(error: Error): void;
}

export const HEARTBEAT_MS = 3_000;

/** Longer than a busy broker takes to create topics. */
const MAX_CONNECT_MS = 60_000;

const RETRY_MS = 200;

/** A member sends requests continuously; only joining can take longer, up to the session timeout. */
const MAX_SILENCE_MS = 30_000;

/** The clients of one session. */
interface Clients {
  readonly session: KafkaSession;
  readonly admin: Admin;
  readonly consumer: Consumer;
  /** Writes to the dead-letter topic. */
  readonly producer: Producer;
}

/** A member of the consumer group that reads flows. Rejoins after every failure, however long Kafka is unavailable. */
export class GroupMember {
  readonly names: KafkaNames;
  /** Why it is not in the group; undefined if it is a member. */
  problem: string | undefined = 'not yet a member of the consumer group';
  #clients: Clients | undefined;
  #staying: Promise<void> | undefined;
  #leaving = false;

  constructor(
    private readonly options: GroupMemberOptions,
    private readonly events: GroupListener,
  ) {
    this.names = kafkaNames(options.connection);
  }

  /** Joins the group and stays in it until `leave`. */
  join(): void {
    this.#staying = this.#stay();
  }

  /** Leaves the group and closes the connections. */
  async leave(): Promise<void> {
    this.#leaving = true;
    this.#clients?.session.fail(new Error('leaving the group'));
    await this.#staying;
  }

  seek(partition: number, offset: number): void {
    this.#clients?.consumer.seek({ topic: this.names.flows, partition, offset: String(offset) });
  }

  pause(partitions: readonly number[]): void {
    this.#clients?.consumer.pause([{ topic: this.names.flows, partitions: [...partitions] }]);
  }

  resume(partitions: readonly number[]): void {
    this.#clients?.consumer.resume([{ topic: this.names.flows, partitions: [...partitions] }]);
  }

  /** The low and high watermark of each partition. */
  async topicOffsets(): Promise<ReadonlyMap<number, TopicOffsets>> {
    const kept = (await this.#clients?.admin.fetchTopicOffsets(this.names.flows)) ?? [];
    return new Map(
      kept.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]),
    );
  }

  /** @throws Error while it is not connected, and kafkajs' errors. */
  async send(record: ProducerRecord): Promise<void> {
    if (!this.#clients) throw new Error('not connected to Kafka');
    await this.#clients.producer.send(record);
  }

  get #groupId(): string {
    return this.options.group ?? this.names.enrichers;
  }

  async #stay(): Promise<void> {
    do {
      const clients = this.#newClients();
      this.#clients = clients;
      const failure = await this.#failureOf(clients);
      this.problem = String(failure);
      this.events.onEnded();
      this.#clients = undefined;
      await clients.session.end();
      if (!this.#leaving) await this.#onFailed(failure);
    } while (!this.#leaving);
  }

  /** Joins the group; resolves with the reason when the membership fails. */
  async #failureOf(clients: Clients): Promise<Error> {
    const { session } = clients;
    let watch: NodeJS.Timeout | undefined;
    try {
      await session.within(MAX_CONNECT_MS, this.#connect(clients));
      watch = this.#listen(clients);
      await session.within(Infinity, this.#run(clients));
      return await session.over;
    } catch (error) {
      return error as Error;
    } finally {
      clearInterval(watch);
    }
  }

  #newClients(): Clients {
    const { connection, log } = this.options;
    const session = new KafkaSession(connection, log);
    const sessionTimeoutMs = this.#sessionTimeoutMs;
    const consumer = session.consumer({
      groupId: this.#groupId,
      sessionTimeout: sessionTimeoutMs,
      // Live members rejoin well within this time.
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(HEARTBEAT_MS, Math.floor(sessionTimeoutMs / 3)),
      maxWaitTimeInMs: 250,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      maxBytesPerPartition: 8 * 2 ** 20,
      maxBytes: 32 * 2 ** 20,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      // After kafkajs gives up, a new session starts.
      retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) },
    });
    const producer = session.producer({ allowAutoTopicCreation: false });
    return { session, admin: session.admin(), consumer, producer };
  }

  get #sessionTimeoutMs(): number {
    return this.options.sessionTimeoutMs ?? 10_000;
  }

  async #connect({ session, admin, consumer }: Clients): Promise<void> {
    const { topics } = this.options;
    await session.connect();
    if (topics) await createTopics(admin, this.names, topics);
    await consumer.subscribe({ topics: [this.names.flows], fromBeginning: true });
  }

  async #run(clients: Clients): Promise<void> {
    await clients.consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        // A consumer that is shutting down may still deliver a batch; its successor starts elsewhere.
        if (this.#isCurrent(clients)) await this.events.onFetched(payload);
      },
    });
  }

  /** Registers the listeners; returns a timer that fails the session when the broker stops responding. */
  #listen(clients: Clients): NodeJS.Timeout {
    const { consumer, session } = clients;
    const { GROUP_JOIN, REQUEST, REBALANCING, CRASH } = consumer.events;
    const maxSilenceMs = this.#sessionTimeoutMs + MAX_SILENCE_MS;
    let answeredMs = performance.now();
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!this.#isCurrent(clients)) return;
      this.problem = undefined;
      this.events.onAssigned(payload.memberAssignment[this.names.flows] ?? []);
    });
    consumer.on(REBALANCING, () => {
      if (this.#isCurrent(clients)) this.events.onEnded();
    });
    consumer.on(REQUEST, ({ payload }) => {
      answeredMs = performance.now();
      // The response to JoinGroup starts the group's next generation.
      if (this.#isCurrent(clients) && payload.apiName === 'JoinGroup') this.events.onEnded();
    });
    consumer.on(CRASH, ({ payload }) => session.fail(payload.error));
    return setInterval(() => {
      if (performance.now() - answeredMs < maxSilenceMs) return;
      session.fail(new Error(`no response from Kafka for ${maxSilenceMs / 1000} s`));
    }, 1_000);
  }

  #isCurrent(clients: Clients): boolean {
    return clients === this.#clients;
  }

  async #onFailed(error: Error): Promise<void> {
    this.events.onFailed();
    // Retrying with wrong credentials does not help and may lock the user out.
    if (isAuthenticationFailure(error)) {
      this.#leaving = true;
      this.events.onRefused(error);
      return;
    }
    this.options.log.warn({ reason: String(error) }, 'Kafka connection failed; reconnecting');
    await delay(RETRY_MS);
  }
}
