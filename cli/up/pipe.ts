import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import {
  createInProcessTransport,
  IN_PROCESS_PARTITION,
} from '@sonde/backbone/transport/in-process/in-process';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaConsumer } from '@sonde/backbone/transport/kafka/consumer';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import type { TopicSettings } from '@sonde/backbone/transport/kafka/topics';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import type { FlowConsumer, FlowPublisher } from '@sonde/backbone/transport/interface/transport';
import type { Registry } from 'prom-client';

/** The transport from the collectors of this process to its enricher. */
export interface Pipe {
  readonly publisher: FlowPublisher;
  readonly consumer: FlowConsumer;
  /**
   * Accepts no more batches; resolves when published batches are queued for the consumer, in Kafka, or on disk. Returns
   * the number of those on disk, which the next start delivers.
   */
  endPublishing(): Promise<number>;
  /** Ends the consumer's deliveries if they do not end with the published batches. */
  endConsuming(): void;
}

/** Maximum number of queued batches; collectors wait when the queue is full. */
export const DIRECT_CAPACITY = 64;

/** The in-process transport. */
export async function directPipe(store: FlowStore, registry: Registry): Promise<Pipe> {
  // New offsets must be above every stored one; after the acquisition, no other writer can add any.
  await store.acquirePartitions([IN_PROCESS_PARTITION]);
  const firstOffset = ((await store.highestOffsets()).get(IN_PROCESS_PARTITION) ?? -1) + 1;
  const transport = createInProcessTransport({ firstOffset, capacity: DIRECT_CAPACITY, registry });
  return {
    publisher: transport,
    consumer: transport,
    endPublishing() {
      transport.close();
      return Promise.resolve(0);
    },
    endConsuming: () => undefined,
  };
}

/** A Kafka cluster between collectors and enricher. */
export interface KafkaRoute {
  readonly connection: KafkaConnection;
  /** Topics to create if they do not exist. */
  readonly topics: TopicSettings | undefined;
  /** Directory for batches that Kafka has not acknowledged. */
  readonly spoolDirectory: string;
}

const MAX_SPOOL_BYTES = 2 ** 30;
/** Time at the end to deliver the spool; the rest is delivered after the next start. */
const DRAIN_MS = 5_000;

/**
 * The transport through Kafka, which other enrichers and collectors may share.
 * @throws StoreError if another process uses the spool directory.
 */
export async function kafkaPipe(
  { connection, topics, spoolDirectory }: KafkaRoute,
  { store, registry, log }: { readonly store: FlowStore; readonly registry: Registry; readonly log: Logger },
): Promise<Pipe> {
  const sink = createKafkaPublisher({ connection, topics, log });
  const publisher = await createSpooledPublisher(sink, {
    directory: spoolDirectory,
    maxBytes: MAX_SPOOL_BYTES,
    registry,
    log,
  });
  const consumer = createKafkaConsumer({
    ...{ connection, topics, registry, log },
    acquirePartitions: (partitions) => store.acquirePartitions(partitions),
  });
  return {
    publisher,
    consumer,
    async endPublishing() {
      await publisher.close(DRAIN_MS);
      return publisher.waiting;
    },
    endConsuming: () => consumer.close(),
  };
}
