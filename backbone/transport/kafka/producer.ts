import kafkajs, { type Admin, type Producer, type TopicMessages, type Transaction } from 'kafkajs';
import type { Logger } from '../../logging.js';
import { MessageTooLargeError, type OutgoingMessage, type SpoolSink } from '../spool/sink.js';
import { disconnectAll, type KafkaConnection, kafkaClient } from './connection.js';
import { streamHeaders } from './stream-headers.js';
import { createTopics, kafkaNames, type TopicSettings } from './topics.js';

export interface KafkaPublisherOptions {
  readonly connection: KafkaConnection;
  /** Creates the topics that there are not; without it they must be there. */
  readonly topics?: TopicSettings | undefined;
  /**
   * How long a broker waits for a transaction whose collector is gone for good before it aborts it. Until then the
   * partition's readers wait at its start; a collector that comes back aborts it at once.
   */
  readonly transactionTimeoutMs?: number | undefined;
  readonly log: Logger;
}

const TRANSACTION_TIMEOUT_MS = 15_000;

/**
 * Delivers a spool to Kafka exactly once, across crashes of this process: messages and the spool's position, kept as
 * the offset of a consumer group named after the spool, are written in one transaction. Should Kafka not keep it whole,
 * each message still says where in the spool it was (docs/decisions/0006-kafka-exactly-once.md).
 */
export function createKafkaPublisher(options: KafkaPublisherOptions): SpoolSink {
  const { connection, topics, transactionTimeoutMs = TRANSACTION_TIMEOUT_MS, log } = options;
  const kafka = kafkaClient(connection, log);
  const names = kafkaNames(connection);
  let session: Session | undefined;

  async function close(): Promise<void> {
    const former = session;
    session = undefined;
    if (former) await disconnectAll([former.producer, former.admin]);
  }

  return {
    topics: names,

    async open(stream) {
      await close();
      const opening = {
        stream,
        admin: kafka.admin(),
        producer: kafka.producer({
          transactionalId: names.spool(stream),
          idempotent: true,
          maxInFlightRequests: 1,
          transactionTimeout: transactionTimeoutMs,
          createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
        }),
      };
      session = opening;
      await Promise.all([opening.admin.connect(), opening.producer.connect()]);
      if (topics) await createTopics(opening.admin, names, topics);
      // This fences whoever used the spool before and ends what it left open; only then its position is final.
      const transaction = await opening.producer.transaction();
      session = { ...opening, transaction };
      return await storedPosition(opening.admin, names.spool(stream), names.flows);
    },

    async send(messages, position) {
      if (!session) throw new Error('the publisher is not open');
      const { stream, producer } = session;
      const transaction = session.transaction ?? (await producer.transaction());
      session = { ...session, transaction: undefined };
      const topicMessages = byTopic(stream, messages);
      if (topicMessages.length > 0) await sendAll(transaction, topicMessages);
      const partitions = [{ partition: 0, offset: String(position) }];
      const topics = [{ topic: names.flows, partitions }];
      await transaction.sendOffsets({ consumerGroupId: names.spool(stream), topics });
      await transaction.commit();
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

interface Session {
  /** The spool's: names its transactional id and its consumer group. */
  readonly stream: string;
  readonly admin: Admin;
  readonly producer: Producer;
  /** The transaction that opening began, in which nothing has been sent yet. */
  readonly transaction?: Transaction | undefined;
}

/** The position up to which all of the spool was delivered: the group's offset, of partition 0 by convention. */
async function storedPosition(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [flows] = await admin.fetchOffsets({ groupId, topics: [topic] });
  const offset = flows?.partitions.find(({ partition }) => partition === 0)?.offset;
  return Math.max(0, Number(offset ?? 0));
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
