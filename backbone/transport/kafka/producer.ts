import kafkajs, { type Admin, type Producer, type TopicMessages, type Transaction } from 'kafkajs';
import type { Logger } from '../../logging.js';
import { MessageTooLargeError, type OutgoingMessage, type SpoolSink } from '../spool/sink.js';
import type { KafkaConnection } from './connection.js';
import { PartitionChoice } from './partition-choice.js';
import { KafkaSession } from './session.js';
import { streamHeaders } from './stream-headers.js';
import { createTopics, kafkaNames, METADATA_MAX_AGE_MS, type TopicSettings } from './topics.js';

export interface KafkaPublisherOptions {
  readonly connection: KafkaConnection;
  /** Creates missing topics; without it they must exist. */
  readonly topics?: TopicSettings | undefined;
  /**
   * How long a broker waits before it aborts the transaction of a collector that is gone. Until then, consumers of the
   * partition wait at its start; a collector that restarts aborts it at once.
   */
  readonly transactionTimeoutMs?: number | undefined;
  readonly log: Logger;
}

const TRANSACTION_TIMEOUT_MS = 15_000;

/** Brokers check for expired transactions every 10 s. */
const ABORTED_WITHIN_MS = 15_000;

/** Longer than a broker takes to end an open transaction, also a busy one. */
const MAX_OPEN_MS = 60_000;

/**
 * Delivers a spool to Kafka exactly once, across crashes of this process: one transaction contains the messages and the
 * position of the spool, which is the offset of a consumer group named after the spool. In case Kafka does not keep a
 * transaction completely, each message has its position in headers (docs/decisions/0006-kafka-exactly-once.md).
 */
export function createKafkaPublisher(options: KafkaPublisherOptions): SpoolSink {
  const { connection, topics, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS, log } = options;
  const names = kafkaNames(connection);
  let current: OpenSpool | undefined;

  async function close(): Promise<void> {
    const former = current;
    current = undefined;
    await former?.session.end();
  }

  /** Returns the delivered position of the spool. */
  async function begin(opened: OpenSpool): Promise<number> {
    const { stream, session, admin, producer } = opened;
    await session.connect();
    if (topics) await createTopics(admin, names, topics);
    // Fences earlier processes and ends their open transaction; only then is the position final.
    opened.transaction = await producer.transaction();
    const { position, metadata } = await storedPosition(admin, names.spool(stream), names.flows);
    opened.choice.resume(position, metadata);
    return position;
  }

  async function transact(
    opened: OpenSpool,
    messages: readonly OutgoingMessage[],
    position: number,
  ): Promise<void> {
    const { stream, producer, choice } = opened;
    const transaction = opened.transaction ?? (await producer.transaction());
    opened.transaction = undefined;
    const topicMessages = byTopic(stream, messages);
    if (topicMessages.length > 0) await sendAll(transaction, topicMessages);
    // kafkajs sends metadata that its types do not have.
    const partitions = [{ partition: 0, offset: String(position), metadata: choice.metadata }];
    const offsets = [{ topic: names.flows, partitions }];
    await transaction.sendOffsets({ consumerGroupId: names.spool(stream), topics: offsets });
    await transaction.commit();
  }

  return {
    topics: names,

    async open(stream) {
      await close();
      const session = new KafkaSession(connection, log);
      const choice = new PartitionChoice();
      const producer = session.producer({
        transactionalId: names.spool(stream),
        idempotent: true,
        metadataMaxAge: METADATA_MAX_AGE_MS,
        maxInFlightRequests: 1,
        transactionTimeout: transactionTimeoutMs,
        createPartitioner: choice.partitioner,
      });
      current = { stream, session, admin: session.admin(), producer, choice };
      return await session.within(MAX_OPEN_MS, begin(current));
    },

    async send(messages, position) {
      if (!current) throw new Error('the publisher is not open');
      const maxMs = transactionTimeoutMs + ABORTED_WITHIN_MS;
      await current.session.within(maxMs, transact(current, messages, position));
    },

    close,
  };
}

async function sendAll(transaction: Transaction, topicMessages: TopicMessages[]): Promise<void> {
  try {
    await transaction.sendBatch({ topicMessages, acks: -1, compression: kafkajs.CompressionTypes.LZ4 });
  } catch (error) {
    const { type } = error as { readonly type?: string };
    if (type !== 'MESSAGE_TOO_LARGE' && type !== 'RECORD_LIST_TOO_LARGE') throw error;
    throw new MessageTooLargeError((error as Error).message, { cause: error });
  }
}

interface OpenSpool {
  /** The name of the spool, for its transactional ID and its consumer group. */
  readonly stream: string;
  readonly session: KafkaSession;
  readonly admin: Admin;
  readonly producer: Producer;
  readonly choice: PartitionChoice;
  /** The transaction that was begun when opening, in which nothing has been sent yet. */
  transaction?: Transaction | undefined;
}

/** The delivered position of a spool and its metadata: the group's offset of partition 0 by convention. */
async function storedPosition(admin: Admin, groupId: string, topic: string) {
  const [flows] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const stored = flows?.partitions.find(({ partition }) => partition === 0);
  return { position: Math.max(0, Number(stored?.offset ?? 0)), metadata: stored?.metadata ?? '' };
}

function byTopic(stream: string, messages: readonly OutgoingMessage[]): TopicMessages[] {
  const grouped = new Map<string, TopicMessages>();
  for (const { topic, key, value, position } of messages) {
    const group = grouped.get(topic) ?? { topic, messages: [] };
    group.messages.push({
      key,
      value: Buffer.from(value.buffer, value.byteOffset, value.byteLength),
      headers: streamHeaders({ stream, position }),
    });
    grouped.set(topic, group);
  }
  return [...grouped.values()];
}
