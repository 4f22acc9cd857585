import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { WriterReplacedError } from '@sonde/backbone/store/store';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaConsumer, type KafkaFlowConsumer } from '@sonde/backbone/transport/kafka/consumer';
import type { Delivery } from '@sonde/backbone/transport/interface/transport';
import { Registry } from 'prom-client';
import type { FakeStore } from './fake-store.js';

/** An enricher without enrichment: stores deliveries until it is stopped. */
export interface TestEnricher {
  readonly consumer: KafkaFlowConsumer;
  /** Its metrics. */
  readonly registry: Registry;
  /** Rejects if the consumer has failed. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export interface TestEnricherOptions {
  readonly name: string;
  readonly connection: KafkaConnection;
  readonly store: FakeStore;
  readonly partitions: number;
  /** Duration of each insert. */
  readonly insertMs?: number;
}

export function startEnricher({
  name,
  connection,
  store,
  partitions,
  insertMs = 0,
}: TestEnricherOptions): TestEnricher {
  const registry = new Registry();
  const consumer = createKafkaConsumer({
    connection: { ...connection, clientId: name },
    topics: { partitions, retentionHours: 1 },
    acquirePartitions: (claimed) => store.claim(name, claimed),
    sessionTimeoutMs: 6_000,
    block: { rows: 50, bytes: 2 ** 20, ageMs: 20 },
    registry,
    log: createLogger(name, process.env['SONDE_TEST_LOG'] ?? 'silent'),
  });
  const ended = run();
  return {
    consumer,
    registry,
    ended,
    async stop() {
      consumer.close();
      await ended;
    },
  };

  async function run(): Promise<void> {
    for await (const delivery of consumer.deliveries()) {
      await delay(insertMs);
      await insert(delivery);
    }
  }

  async function insert({ batches, signal, confirmStored, rejectDelivery }: Delivery): Promise<void> {
    while (!signal.aborted) {
      try {
        await store.insert(name, batches);
        confirmStored();
        return;
      } catch (error) {
        if (error instanceof WriterReplacedError) {
          rejectDelivery();
          return;
        }
        await delay(20);
      }
    }
  }
}
