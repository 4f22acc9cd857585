import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { type KafkaConnection, kafkaClient } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import { createTopics, kafkaNames } from '@sonde/backbone/transport/kafka/topics';
import {
  createSpooledPublisher,
  type SpooledPublisher,
} from '@sonde/backbone/transport/spool/spooled-publisher';
import type { SpoolState } from '@sonde/backbone/transport/spool/state';
import { metricValue } from '../fixtures/metric-value.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { observedDns } from '../builders/dns.js';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { decodeBatch } from '@sonde/model/batch/wire/decode';
import { encodeBatch } from '@sonde/model/batch/wire/encode';
import type { Admin, KafkaMessage } from 'kafkajs';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { eventually } from '../eventually.js';
import { givenBrokers, type TestKafka, useTestKafka } from './broker.js';
import { startEnricher, type TestEnricher } from './consume.js';
import { FakeStore } from './fake-store.js';

const log = createLogger('test', process.env['SONDE_TEST_LOG'] ?? 'silent');
const PARTITIONS = 6;
const topics = { partitions: PARTITIONS, retentionHours: 1 };

/** A rebalance can take long on a busy machine. */
const SOON_MS = 150_000;

describe('flows through Kafka', { timeout: 300_000 }, () => {
  let kafka: TestKafka;
  let connection: KafkaConnection;
  let tests = 0;
  let directory: string;
  let store: FakeStore;
  /** The metrics of the only collector. */
  let registry: Registry;
  const enrichers: TestEnricher[] = [];
  const publishers: SpooledPublisher[] = [];

  beforeAll(async () => {
    kafka = await useTestKafka();
  }, 300_000);

  afterAll(() => kafka.remove(), 300_000);

  beforeEach(() => {
    // Each test has its own topics and store.
    connection = { brokers: kafka.addresses, clientId: 'test', prefix: `${kafka.prefix}${tests++}.` };
    directory = temporaryDirectory('spool');
    store = new FakeStore();
    registry = new Registry();
  });

  afterEach(async () => {
    for (const publisher of publishers.splice(0)) await publisher.close(0);
    for (const enricher of enrichers.splice(0)) await enricher.stop();
  }, 60_000);

  it('arrive once each, in the order of each node, and lookups also in their own topic', async () => {
    const publisher = await collector('one');
    for (let sequence = 0; sequence < 200; sequence++) {
      const dns = sequence % 50 === 0 ? { dns: observedDns([{ query_name: `host-${sequence}` }]) } : {};
      for (const node of ['a', 'b', 'c']) await publish(publisher, node, sequence, dns);
    }
    enricher('first');
    await untilStored(600);
    for (const node of ['a', 'b', 'c']) {
      expect(store.order.get(node)).toEqual(Array.from({ length: 200 }, (_, sequence) => sequence));
    }
    const lookups = (await messagesIn(kafkaNames(connection).dns, 12)).map(({ value }) =>
      decodeBatch(value ?? Buffer.of()),
    );
    expect(lookups.map(({ rows, dns }) => [rows, dns?.rows])).toEqual(Array(12).fill([0, 1]));
  });

  it('are stored once each while enrichers come and go', async () => {
    const publisher = await collector('one');
    let sequence = 0;
    const more = async (count: number) => {
      for (const end = sequence + count; sequence < end; sequence++) {
        for (const node of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) await publish(publisher, node, sequence);
      }
    };
    const first = enricher('first', 30);
    await more(20);
    enricher('second', 30);
    await more(20);
    enricher('third', 30);
    await more(20);
    await eventually(() => {
      expect(enrichers.every(({ consumer }) => consumer.partitions.length > 0)).toBe(true);
    }, SOON_MS);
    await first.stop();
    await more(20);
    await untilStored(80 * 8);
    for (const stored of store.order.values()) {
      expect(stored).toEqual(Array.from({ length: 80 }, (_, sequence) => sequence));
    }
  });

  it.skipIf(givenBrokers).each(['SIGTERM', 'SIGKILL'] as const)(
    'wait in the spool while the broker is down (%s), and arrive once each afterwards',
    async (signal) => {
      const publisher = await collector('one');
      enricher('first');
      for (let sequence = 0; sequence < 50; sequence++) await publish(publisher, 'a', sequence);
      await kafka.restart?.(signal, async () => {
        for (let sequence = 50; sequence < 100; sequence++) await publish(publisher, 'a', sequence);
        expect(publisher.waiting).toBeGreaterThanOrEqual(50);
      });
      for (let sequence = 100; sequence < 150; sequence++) await publish(publisher, 'a', sequence);
      await untilStored(150);
      expect(store.order.get('a')).toEqual(Array.from({ length: 150 }, (_, sequence) => sequence));
      expect(await metricValue(registry, 'sonde_spool_lost_messages_total')).toBe(0);
    },
  );

  it.skipIf(givenBrokers)(
    'arrive once each from many collectors while the broker is repeatedly killed and restarted',
    async () => {
      const nodes = Array.from({ length: 16 }, (_, number) => `node-${number}`);
      const registries = nodes.map(() => new Registry());
      const senders = await Promise.all(nodes.map((node, at) => collector(node, registries[at])));
      enricher('first');
      let isOver = false;
      const published = senders.map(async (publisher, number) => {
        let sequence = 0;
        for (; !isOver; sequence++) await publish(publisher, nodes[number] ?? '', sequence);
        return sequence;
      });
      for (let kill = 0; kill < 3; kill++) {
        const sent = () =>
          Promise.all(registries.map((one) => metricValue(one, 'sonde_publisher_sent_messages_total')));
        const before = await sent();
        // Each delivers again.
        await expect
          .poll(async () => (await sent()).every((now, at) => now > (before[at] ?? 0)), { timeout: SOON_MS })
          .toBe(true);
        await kafka.restart?.('SIGKILL');
      }
      isOver = true;
      const counts = await Promise.all(published);
      await untilStored(counts.reduce((sum, count) => sum + count, 0));
      for (const [number, node] of nodes.entries()) {
        const all = Array.from({ length: counts[number] ?? 0 }, (_, sequence) => sequence);
        expect(store.order.get(node)).toEqual(all);
      }
    },
  );

  it('wait in Kafka while the store is unavailable', async () => {
    const publisher = await collector('one');
    store.isUnavailable = true;
    enricher('first');
    for (let sequence = 0; sequence < 50; sequence++) await publish(publisher, 'a', sequence);
    await eventually(() => expect(publisher.waiting).toBe(0), SOON_MS);
    expect(store.stored.size).toBe(0);
    store.isUnavailable = false;
    await untilStored(50);
  });

  it('are stored once each by the group member although a former member acquired its partitions', async () => {
    const publisher = await collector('one');
    enricher('first');
    for (let sequence = 0; sequence < 50; sequence++) await publish(publisher, 'a', sequence);
    await untilStored(50);
    await store.claim('former-member', [0, 1, 2, 3, 4, 5]);
    for (let sequence = 50; sequence < 100; sequence++) await publish(publisher, 'a', sequence);
    await untilStored(100);
  });

  it('continue at once when a collector restarts that was killed within a transaction, and its former process is fenced', async () => {
    await asAdmin((admin) => createTopics(admin, kafkaNames(connection), topics));
    const spool = path.join(directory, 'one');
    const first = await collector('one');
    await publish(first, 'a', 0);
    await first.close(SOON_MS);
    const { stream } = JSON.parse(await readFile(path.join(spool, 'spool.json'), 'utf8')) as SpoolState;
    const former = kafkaClient(connection, log).producer({
      transactionalId: kafkaNames(connection).spool(stream),
      maxInFlightRequests: 1,
      idempotent: true,
      // The brokers' maximum, longer than any wait of this test.
      transactionTimeout: 900_000,
    });
    await former.connect();
    const open = await former.transaction();
    const value = Buffer.from(encodeBatch(flowsOf('a', 1000)));
    await open.send({ topic: kafkaNames(connection).flows, messages: [{ key: 'c/a', value }] });

    const next = await collector('one', new Registry());
    await publish(next, 'a', 1);
    enricher('first');
    await untilStored(2);
    await expect(open.commit()).rejects.toThrow();
    await publish(next, 'a', 2);
    await untilStored(3);
    expect(store.order.get('a')).toEqual([0, 1, 2]);
    await former.disconnect();
  });

  it('are stored once although Kafka has them twice, also after a handover of the partitions', async () => {
    const first = await collector('one');
    for (let sequence = 0; sequence < 3; sequence++) await publish(first, 'a', sequence);
    await eventually(() => expect(first.waiting).toBe(0), SOON_MS);
    const sent = await messagesIn(kafkaNames(connection).flows, 3);
    // As if Kafka had lost the position of the spool.
    const again = async (messages: readonly KafkaMessage[]) => {
      const producer = kafkaClient(connection, log).producer();
      await producer.connect();
      await producer.send({
        topic: kafkaNames(connection).flows,
        messages: messages.map(({ key, value, headers }) => ({ key, value, headers: headers ?? {} })),
      });
      await producer.disconnect();
    };
    await again(sent.slice(1));
    const reader = enricher('first');
    await untilStored(3);
    const duplicates = (of: TestEnricher) => () =>
      metricValue(of.registry, 'sonde_consumer_skipped_messages_total', { reason: 'duplicate' });
    await expect.poll(duplicates(reader), { timeout: SOON_MS }).toBe(2);
    await reader.stop();

    await again(sent);
    await publish(first, 'a', 3);
    const next = enricher('second');
    await untilStored(4);
    await expect.poll(duplicates(next), { timeout: SOON_MS }).toBeGreaterThanOrEqual(3);
    expect(store.order.get('a')).toEqual([0, 1, 2, 3]);
  });

  it('continue after messages that cannot be decoded, which are moved to the dead-letter topic', async () => {
    await asAdmin((admin) => createTopics(admin, kafkaNames(connection), topics));
    const producer = kafkaClient(connection, log).producer();
    await producer.connect();
    const newer = encodeBatch({ ...flowsOf('a', 1), schemaVersion: 9 });
    const values = [encodeBatch(flowsOf('a', 0)), Buffer.from('poison'), newer, encodeBatch(flowsOf('a', 2))];
    await producer.send({
      topic: kafkaNames(connection).flows,
      messages: values.map((value) => ({ key: 'a', partition: 3, value: Buffer.from(value) })),
    });
    await producer.disconnect();
    enricher('first');
    await eventually(() => expect([...store.stored.keys()]).toEqual(['a/0', 'a/2']), SOON_MS);
    const dead = await messagesIn(kafkaNames(connection).dead, 2);
    expect(
      dead.map(({ headers }) => [text(headers?.['sonde-reason']), text(headers?.['sonde-offset'])]),
    ).toEqual([
      ['malformed', '1'],
      ['newer', '2'],
    ]);
    expect(dead[0]).toMatchObject({ key: Buffer.from('a'), value: Buffer.from('poison') });
    expect(text(dead[0]?.headers?.['sonde-partition'])).toBe('3');
  });

  it('fail with a clear error when the topic was recreated but the store has records of the old one', async () => {
    const publisher = await collector('one');
    await publish(publisher, 'a', 0);
    await eventually(() => expect(publisher.waiting).toBe(0), SOON_MS);
    store.claim = (_, partitions) =>
      Promise.resolve(new Map(partitions.map((partition) => [partition, { storedTo: 500, streams: [] }])));
    const { ended } = startEnricher({ name: 'first', connection, store, partitions: PARTITIONS });
    await expect(ended).rejects.toThrow(/the topic was recreated/);
  });

  it('are counted exactly when Kafka deletes them before they are read, also if the partitions are acquired again', async () => {
    const flows = kafkaNames(connection).flows;
    const publisher = await collector('one');
    // One transaction for each, whose end uses an offset, too.
    for (let sequence = 0; sequence < 10; sequence++) {
      const dns = { dns: observedDns([{ query_name: `host-${sequence}` }]) };
      await publish(publisher, 'a', sequence, dns);
      await eventually(() => expect(publisher.waiting).toBe(0), SOON_MS);
    }
    const sent = await messagesIn(flows, 10);
    const after = sent.find(({ headers }) => text(headers?.['sonde-position']) === '6');
    await asAdmin(async (admin) => {
      const offsets = await admin.fetchTopicOffsets(flows);
      const partition = offsets.find(({ high }) => Number(high) > 0)?.partition ?? 0;
      const partitions = [{ partition, offset: after?.offset ?? '' }];
      await admin.deleteTopicRecords({ topic: flows, partitions });
    });
    const reader = enricher('first');
    await untilStored(4);
    // Another acquisition before anything else is stored finds the same gap.
    await store.claim('former-member', [0, 1, 2, 3, 4, 5]);
    await publish(publisher, 'a', 10);
    await untilStored(5);
    const skipped = await metricValue(reader.registry, 'sonde_consumer_skipped_messages_total', {
      reason: 'expired',
    });
    expect(skipped).toBe(6);
  });

  it('of added partitions are read within a minute', async () => {
    const flows = kafkaNames(connection).flows;
    await asAdmin((admin) => createTopics(admin, kafkaNames(connection), topics));
    const { consumer } = enricher('first');
    await eventually(() => expect(consumer.partitions).toHaveLength(PARTITIONS), SOON_MS);
    const topicPartitions = [{ topic: flows, count: PARTITIONS + 2 }];
    await asAdmin((admin) => admin.createPartitions({ topicPartitions }));
    await eventually(() => expect(consumer.partitions).toHaveLength(PARTITIONS + 2), 60_000);
  });

  it.skipIf(givenBrokers)(
    'are stored once each when partitions are added before their last delivery is sent again',
    async () => {
      const flows = kafkaNames(connection).flows;
      const nodes = Array.from({ length: 8 }, (_, number) => `node-${number}`);
      const senders = await Promise.all(nodes.map((node) => collector(node, new Registry())));
      const publishAll = (sequence: number) =>
        Promise.all(senders.map((sender, at) => publish(sender, nodes[at] ?? '', sequence)));
      enricher('first');
      await publishAll(0);
      await untilStored(nodes.length);
      const topicPartitions = [{ topic: flows, count: PARTITIONS * 3 }];
      await asAdmin((admin) => admin.createPartitions({ topicPartitions }));
      await kafka.restart?.('SIGKILL');
      await publishAll(1);
      await untilStored(nodes.length * 2);
      const sent = await asAdmin((admin) => admin.fetchTopicOffsets(flows));
      expect(sent).toHaveLength(PARTITIONS * 3);
    },
  );

  it('are read by a member that rejoins when the system clock is set back', async () => {
    const publisher = await collector('one');
    const { registry: metrics } = enricher('first');
    await publish(publisher, 'a', 0);
    await untilStored(1);
    const now = Date.now.bind(Date);
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 3_600_000);
    try {
      const assignments = () => metricValue(metrics, 'sonde_consumer_assignments_total');
      const before = await assignments();
      await eventually(async () => expect(await assignments()).toBeGreaterThan(before), SOON_MS);
      await publish(publisher, 'a', 1);
      await untilStored(2);
    } finally {
      clock.mockRestore();
    }
  });

  async function asAdmin<Result>(ask: (admin: Admin) => Promise<Result>): Promise<Result> {
    const admin = kafkaClient(connection, log).admin();
    await admin.connect();
    try {
      return await ask(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async function collector(name: string, own = registry): Promise<SpooledPublisher> {
    const publisher = await createSpooledPublisher(createKafkaPublisher({ connection, topics, log }), {
      directory: path.join(directory, name),
      maxBytes: 2 ** 26,
      registry: own,
      log,
    });
    publishers.push(publisher);
    return publisher;
  }

  function enricher(name: string, insertMs = 0): TestEnricher {
    const started = startEnricher({ name, connection, store, partitions: PARTITIONS, insertMs });
    enrichers.push(started);
    return started;
  }

  async function untilStored(count: number): Promise<void> {
    await eventually(() => expect(store.stored.size).toBe(count), SOON_MS);
    expect([...store.stored.values()].filter((times) => times !== 1)).toEqual([]);
  }

  /** The first messages of a topic, from all its partitions. */
  async function messagesIn(topic: string, count: number): Promise<KafkaMessage[]> {
    const consumer = kafkaClient(connection, log).consumer({ groupId: `${topic}.reader` });
    const messages: KafkaMessage[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void messages.push(message)) });
    try {
      await eventually(() => expect(messages.length).toBeGreaterThanOrEqual(count), SOON_MS);
    } finally {
      await consumer.disconnect();
    }
    return messages;
  }
});

function flowsOf(node: string, sequence: number) {
  return batchOf(observedFlows([{ src_port: sequence }]), { node, sequence });
}

async function publish(
  publisher: SpooledPublisher,
  node: string,
  sequence: number,
  more = {},
): Promise<void> {
  await publisher.publish({ ...flowsOf(node, sequence), ...more });
}

function text(header: unknown): string {
  return Buffer.isBuffer(header) ? header.toString() : '';
}
