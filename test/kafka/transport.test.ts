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
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { observedDns } from '../builders/dns.js';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { decodeBatch } from '@sonde/model/batch/wire/decode';
import { encodeBatch } from '@sonde/model/batch/wire/encode';
import type { Admin, KafkaMessage } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { givenBrokers, type TestKafka, useTestKafka } from './broker.js';
import { startEnricher, type TestEnricher } from './consume.js';
import { FakeStore } from './fake-store.js';

const log = createLogger('test', process.env['SONDE_TEST_LOG'] ?? 'silent');
const PARTITIONS = 6;
const topics = { partitions: PARTITIONS, retentionHours: 1 };

/** A busy machine may take long to let a group find together. */
const SOON_MS = 150_000;

describe('flows through Kafka', { timeout: 300_000 }, () => {
  let kafka: TestKafka;
  let connection: KafkaConnection;
  let tests = 0;
  let directory: string;
  let store: FakeStore;
  const enrichers: TestEnricher[] = [];
  const publishers: SpooledPublisher[] = [];

  beforeAll(async () => {
    kafka = await useTestKafka();
  }, 300_000);

  afterAll(() => kafka.remove(), 300_000);

  beforeEach(() => {
    // Each test begins with topics of its own, as the store does.
    connection = { brokers: kafka.addresses, clientId: 'test', prefix: `${kafka.prefix}${tests++}.` };
    directory = temporaryDirectory('spool');
    store = new FakeStore();
  });

  afterEach(async () => {
    for (const publisher of publishers.splice(0)) await publisher.close(0);
    for (const enricher of enrichers.splice(0)) await enricher.stop();
  }, 60_000);

  it('arrive once each, in the order of each node, and lookups also in a topic of their own', async () => {
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
      const having = enrichers.map(({ consumer }) => consumer.counts.lag.size);
      expect(having.every((partitions) => partitions > 0)).toBe(true);
    }, SOON_MS);
    await first.stop();
    await more(20);
    await untilStored(80 * 8);
    for (const stored of store.order.values()) {
      expect(stored).toEqual(Array.from({ length: 80 }, (_, sequence) => sequence));
    }
  });

  it.skipIf(givenBrokers).each(['SIGTERM', 'SIGKILL'] as const)(
    'wait in the spool while the broker is away (%s), and arrive once each when it is back',
    async (signal) => {
      const publisher = await collector('one');
      enricher('first');
      for (let sequence = 0; sequence < 50; sequence++) await publish(publisher, 'a', sequence);
      await kafka.restart?.(signal, async () => {
        for (let sequence = 50; sequence < 100; sequence++) await publish(publisher, 'a', sequence);
        expect(publisher.counts.spooledMessages).toBeGreaterThanOrEqual(50);
      });
      for (let sequence = 100; sequence < 150; sequence++) await publish(publisher, 'a', sequence);
      await untilStored(150);
      expect(store.order.get('a')).toEqual(Array.from({ length: 150 }, (_, sequence) => sequence));
      expect(publisher.counts.lostMessages).toBe(0);
    },
  );

  it.skipIf(givenBrokers)(
    'arrive once each from many collectors while the broker is killed and is back at once, again and again',
    async () => {
      const nodes = Array.from({ length: 16 }, (_, number) => `node-${number}`);
      const senders = await Promise.all(nodes.map((node) => collector(node)));
      enricher('first');
      let isOver = false;
      const published = senders.map(async (publisher, number) => {
        let sequence = 0;
        for (; !isOver; sequence++) await publish(publisher, nodes[number] ?? '', sequence);
        return sequence;
      });
      for (let kill = 0; kill < 3; kill++) {
        const sent = () => senders.map(({ counts }) => counts.sentMessages);
        const before = sent();
        // Each is in the midst of it again.
        await eventually(
          () => expect(sent().every((now, at) => now > (before[at] ?? 0))).toBe(true),
          SOON_MS,
        );
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

  it('wait in Kafka while the store is away', async () => {
    const publisher = await collector('one');
    store.isAway = true;
    enricher('first');
    for (let sequence = 0; sequence < 50; sequence++) await publish(publisher, 'a', sequence);
    await eventually(() => expect(publisher.counts.spooledMessages).toBe(0), SOON_MS);
    expect(store.stored.size).toBe(0);
    store.isAway = false;
    await untilStored(50);
  });

  it('are stored once each by whom the group gave them to, though another claimed their partitions meanwhile', async () => {
    const publisher = await collector('one');
    enricher('first');
    for (let sequence = 0; sequence < 50; sequence++) await publish(publisher, 'a', sequence);
    await untilStored(50);
    await store.claim('one-that-has-no-partitions-any-more', [0, 1, 2, 3, 4, 5]);
    for (let sequence = 50; sequence < 100; sequence++) await publish(publisher, 'a', sequence);
    await untilStored(100);
  });

  it('go on at once when a collector comes back that ended within a transaction, and its former self is shut out', async () => {
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
      // Longer than this test waits for anything, and as long as brokers allow.
      transactionTimeout: 900_000,
    });
    await former.connect();
    const open = await former.transaction();
    const value = Buffer.from(encodeBatch(flowsOf('a', 1000)));
    await open.send({ topic: kafkaNames(connection).flows, messages: [{ key: 'c/a', value }] });

    const next = await collector('one');
    await publish(next, 'a', 1);
    enricher('first');
    await untilStored(2);
    await expect(open.commit()).rejects.toThrow();
    await publish(next, 'a', 2);
    await untilStored(3);
    expect(store.order.get('a')).toEqual([0, 1, 2]);
    await former.disconnect();
  });

  it('are stored once though Kafka has them twice, also by whoever takes the partitions over', async () => {
    const first = await collector('one');
    for (let sequence = 0; sequence < 3; sequence++) await publish(first, 'a', sequence);
    await eventually(() => expect(first.counts.spooledMessages).toBe(0), SOON_MS);
    const sent = await messagesIn(kafkaNames(connection).flows, 3);
    // As if the position of the spool had not been kept with them.
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
    await eventually(() => expect(reader.consumer.counts.repeated).toBe(2), SOON_MS);
    await reader.stop();

    await again(sent);
    await publish(first, 'a', 3);
    const next = enricher('second');
    await untilStored(4);
    await eventually(() => expect(next.consumer.counts.repeated).toBeGreaterThanOrEqual(3), SOON_MS);
    expect(store.order.get('a')).toEqual([0, 1, 2, 3]);
  });

  it('go on past messages that cannot be read, which are put aside with the reason', async () => {
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

  it('are refused with a clear error when the topic was recreated but the store has records of the old one', async () => {
    const publisher = await collector('one');
    await publish(publisher, 'a', 0);
    await eventually(() => expect(publisher.counts.spooledMessages).toBe(0), SOON_MS);
    store.claim = (_, partitions) =>
      Promise.resolve(new Map(partitions.map((partition) => [partition, { storedTo: 500, streams: [] }])));
    const { ended } = startEnricher({ name: 'first', connection, store, partitions: PARTITIONS });
    await expect(ended).rejects.toThrow(/the topic was recreated/);
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

  async function collector(name: string): Promise<SpooledPublisher> {
    const publisher = await createSpooledPublisher(createKafkaPublisher({ connection, topics, log }), {
      directory: path.join(directory, name),
      maxBytes: 2 ** 26,
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
