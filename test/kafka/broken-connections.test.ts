import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import {
  createSpooledPublisher,
  type SpooledPublisher,
} from '@sonde/backbone/transport/spool/spooled-publisher';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { startTestBroker, type TestBroker } from './broker.js';
import { type ConnectionFault, type ConnectionProxy, startConnectionProxy } from './connection-proxy.js';
import { startEnricher, type TestEnricher } from './consume.js';
import { FakeStore } from './fake-store.js';

const log = createLogger('test', process.env['SONDE_TEST_LOG'] ?? 'silent');

/** Several times a client's timeout for a response. */
const SOON_MS = 240_000;

describe('flows arrive once each although connections to Kafka', { timeout: 600_000 }, () => {
  let proxy: ConnectionProxy;
  let broker: TestBroker;
  let directory: string;
  let store: FakeStore;
  let publisher: SpooledPublisher;
  let enrichers: TestEnricher[];
  let published: number;

  beforeEach(async () => {
    directory = temporaryDirectory('broken');
    proxy = await startConnectionProxy();
    broker = await startTestBroker(
      ['PLAINTEXT', { protocol: 'SASL_PLAINTEXT', advertisedPort: proxy.port }],
      { plainUsers: { collector: 'secret' } },
    );
    proxy.target = Number(broker.addresses[1]?.split(':')[1]);
    const connection: KafkaConnection = {
      brokers: [`127.0.0.1:${proxy.port}`],
      clientId: 'test',
      sasl: { mechanism: 'plain', username: 'collector', password: 'secret' },
    };
    store = new FakeStore();
    publisher = await createSpooledPublisher(
      createKafkaPublisher({ connection, topics: { partitions: 4, retentionHours: 1 }, log }),
      { directory, maxBytes: 2 ** 24, log },
    );
    enrichers = ['first', 'second'].map((name) => startEnricher({ name, connection, store, partitions: 4 }));
    published = 0;
    await publish(10);
    await untilStored();
  }, 300_000);

  afterEach(async () => {
    try {
      await publisher.close(0);
      for (const enricher of enrichers) await enricher.stop();
      // A leak would be one connection per failure, for as long as a service runs.
      await eventually(() => expect(proxy.open).toBe(0), 10_000);
    } finally {
      await proxy.close();
      await broker.remove();
    }
  }, 120_000);

  it.each<[ConnectionFault, number]>([
    ['cut', 0],
    ['half cut', 0],
    ['refused', 0],
    ['refused', 3_000],
    ['silent', 20_000],
  ])('are %s for %i ms', async (fault, faultMs) => {
    await Promise.all([publish(20), delay(100).then(() => proxy.break(fault))]);
    await delay(faultMs);
    await proxy.heal();
    await publish(10);
    await untilStored();
  });

  it('are closed and refused repeatedly, at any moment', async () => {
    const faults = ['cut', 'half cut', 'refused'] as const;
    for (let round = 0; round < 60; round++) {
      proxy.break(faults[round % faults.length] ?? 'cut');
      await Promise.all([publish(2), delay(round * 7)]);
      await proxy.heal();
      await publish(2);
    }
    await untilStored();
  });

  async function publish(batches: number): Promise<void> {
    for (let count = 0; count < batches; count++) {
      const time = Date.now();
      const flows = observedFlows([{ start_time: time, end_time: time }]);
      await publisher.publish(batchOf(flows, { node: 'node-1', sequence: published++ }));
      await delay(10);
    }
  }

  async function untilStored(): Promise<void> {
    const all = Array.from({ length: published }, (_, sequence) => sequence);
    await eventually(() => expect(store.order.get('node-1')).toEqual(all), SOON_MS);
  }
});
