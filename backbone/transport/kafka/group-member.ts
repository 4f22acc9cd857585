import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Consumer, EachBatchPayload, Producer, ProducerRecord } from 'kafkajs';
import type { Logger } from '../../logging.js';
import { isAuthenticationFailure, type KafkaConnection, RETRY } from './connection.js';
import { KafkaSession } from './session.js';
import { createTopics, kafkaNames, type KafkaNames, type TopicSettings } from './topics.js';

export interface GroupMemberOptions {
  readonly connection: KafkaConnection;
  /** The consumer group: enrichers that share it share the partitions. Named by the connection's prefix if absent. */
  readonly group?: string | undefined;
  /** Creates the topics that there are not; without it they must be there. */
  readonly topics?: TopicSettings | undefined;
  /** How long the group waits for an enricher that does not answer before others take its partitions. */
  readonly sessionTimeoutMs?: number;
  readonly log: Logger;
}

/** What a member of a group hears. */
export interface GroupListener {
  /** These partitions are its own until `onEnded`. Nothing has been fetched of them. */
  onAssigned(partitions: readonly number[]): void;
  /** It may have no partitions any more. */
  onEnded(): void;
  /** Something has come; the next comes when this resolves. */
  onFetched(payload: EachBatchPayload): Promise<void>;
  /** It has left for good, since trying again would not help. */
  onRefused(error: Error): void;
}

export const HEARTBEAT_MS = 3_000;

/** Longer than a busy broker takes to make topics. */
const MAX_CONNECT_MS = 60_000;

const RETRY_MS = 200;

/** A member of a group asks something all the time, and only joining may take longer: as long as the group's session. */
const MAX_SILENCE_MS = 30_000;

/** What speaks to Kafka, from connecting until the connection fails. */
interface Clients {
  readonly session: KafkaSession;
  readonly admin: Admin;
  readonly consumer: Consumer;
  /** Puts messages aside. */
  readonly producer: Producer;
}

/** A process's place in the consumer group that reads flows: joins it, however long Kafka is away, as often as it fails. */
export class GroupMember {
  readonly names: KafkaNames;
  /** Times that the connection failed and was made anew. */
  failures = 0;
  /** Why it is not in the group; undefined if it is. */
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

  /** Begins to join the group, and to stay in it. */
  join(): void {
    this.#staying = this.#stay();
  }

  /** Leaves the group and lets go of the connections. */
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

  /** The first offset that Kafka keeps of each partition, and the one after the last. */
  async topicOffsets(): Promise<ReadonlyMap<number, { readonly low: number; readonly high: number }>> {
    const kept = (await this.#clients?.admin.fetchTopicOffsets(this.names.flows)) ?? [];
    return new Map(
      kept.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]),
    );
  }

  /** The first offset of each partition that the group is not known to be done with. */
  async committedOffsets(): Promise<ReadonlyMap<number, number>> {
    const asked = { groupId: this.#groupId, topics: [this.names.flows] };
    const [flows] = (await this.#clients?.admin.fetchOffsets(asked)) ?? [];
    return new Map(flows?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
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

  /** Joins the group, and resolves when it cannot stay in it. */
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
      // Members ask whether they are to join again far more often: who has not by then is gone.
      rebalanceTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(HEARTBEAT_MS, Math.floor(sessionTimeoutMs / 3)),
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: 8 * 2 ** 20,
      maxBytes: 32 * 2 ** 20,
      allowAutoTopicCreation: false,
      readUncommitted: false,
      // When it gives up, all is made anew.
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
        // A consumer that is being ended may still have something at hand, which is not what its follower goes on with.
        if (this.#isCurrent(clients)) await this.events.onFetched(payload);
      },
    });
  }

  /** Gives the timer that fails the session when nothing is answered any more, which kafkajs may not notice. */
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
      // The answer to JoinGroup begins the group's next generation.
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
    this.failures += 1;
    // Trying again would not make credentials right, and may lock the user out.
    if (isAuthenticationFailure(error)) {
      this.#leaving = true;
      this.events.onRefused(error);
      return;
    }
    this.options.log.warn({ reason: String(error) }, 'Kafka connection failed; reconnecting');
    await delay(RETRY_MS);
  }
}
