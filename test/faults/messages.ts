import { createLogger } from '@sonde/backbone/logging';
import { kafkaClient } from '@sonde/backbone/transport/kafka/connection';
import { kafkaNames } from '@sonde/backbone/transport/kafka/topics';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { encodeBatch } from '@sonde/model/batch/wire/encode';
import type { Message } from 'kafkajs';
import { eventually } from '../eventually.js';
import type { TestKafka } from '../kafka/broker.js';

/** Sends messages unchanged to one partition of the topic of flows. */
export async function sendMessages(kafka: TestKafka, messages: readonly Uint8Array[]): Promise<void> {
  const producer = client(kafka).producer();
  await producer.connect();
  await producer.send({
    topic: kafkaNames(kafka).flows,
    messages: messages.map((message) => ({ value: Buffer.from(message), partition: 0 })),
  });
  await producer.disconnect();
}

/** Sends existing messages of the topic of flows again, unchanged, to their partitions. */
export async function repeatMessages(kafka: TestKafka, count: number): Promise<void> {
  const topic = kafkaNames(kafka).flows;
  const consumer = client(kafka).consumer({ groupId: `${kafka.prefix}repeating` });
  const producer = client(kafka).producer();
  const messages: Message[] = [];
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    eachMessage({ partition, message: { key, value, headers = {} } }) {
      messages.push({ key, value, headers, partition });
      return Promise.resolve();
    },
  });
  await eventually(() => {
    if (messages.length < count) throw new Error(`only ${messages.length} of ${count} messages`);
  }, 300_000);
  await consumer.disconnect();
  await producer.send({ topic, messages: messages.slice(0, count) });
  await producer.disconnect();
}

/** Number of messages in the dead-letter topic. */
export async function deadMessages(kafka: TestKafka): Promise<number> {
  const admin = client(kafka).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(kafkaNames(kafka).dead);
  await admin.disconnect();
  return offsets.reduce((sum, { high }) => sum + Number(high), 0);
}

function client({ addresses }: TestKafka) {
  return kafkaClient({ brokers: addresses, clientId: 'test' }, createLogger('test', 'silent'));
}

/** A message of this version with one flow of a node, identified by its server's name. */
export function messageOfOneFlow(node: string, name: string): Uint8Array {
  const flows = observedFlows([{ start_time: Date.now(), end_time: Date.now(), tls_server_name: name }]);
  return encodeBatch(batchOf(flows, { cluster: 'faults', node }));
}

/** The same from a later version: with a field that this version does not know (number 900, a string). */
export function withUnknownField(message: Uint8Array): Uint8Array {
  const tag = [(((900 << 3) | 2) & 0x7f) | 0x80, (900 << 3) >> 7];
  return Uint8Array.from([...message, ...tag, 3, ...Buffer.from('new')]);
}

/** The same with an incompatible schema version. The version is the first field. */
export function ofLaterSchema(message: Uint8Array): Uint8Array {
  const changed = message.slice();
  if (changed[0] !== 0x08) throw new Error('the schema version is not the first field of the message');
  changed[1] = 99;
  return changed;
}
