import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { createDirectTransport, DIRECT_PARTITION } from '@sonde/backbone/transport/direct';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaConsumer } from '@sonde/backbone/transport/kafka/consumer';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import type { TopicSettings } from '@sonde/backbone/transport/kafka/topics';
import { createSpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import type { FlowConsumer, FlowPublisher } from '@sonde/backbone/transport/transport';
import type { Registry } from 'prom-client';
import { consumerMetrics, publisherMetrics, queueMetrics } from '../services/transport-metrics.js';

/** How batches get from the collectors of this process to its enricher. */
export interface Pipe {
  readonly publisher: FlowPublisher;
  readonly consumer: FlowConsumer;
  /** Takes no more batches; resolves when what was published is where it survives, or on its way to the consumer. */
  endPublishing(): Promise<void>;
  /** Ends the consumer's deliveries, if they do not end with what was published. */
  endConsuming(): void;
}

/** How many batches may wait for the enricher before collectors do. */
export const DIRECT_CAPACITY = 64;

/** Through this process's memory. */
export async function directPipe(store: FlowStore, registry: Registry): Promise<Pipe> {
  // Offsets must be above every one that is stored, and after a claim no other writer's can come.
  await store.claim([DIRECT_PARTITION]);
  const firstOffset = ((await store.highestOffsets()).get(DIRECT_PARTITION) ?? -1) + 1;
  const transport = createDirectTransport({ firstOffset, capacity: DIRECT_CAPACITY });
  queueMetrics(registry, transport);
  return {
    publisher: transport,
    consumer: transport,
    endPublishing() {
      transport.close();
      return Promise.resolve();
    },
    endConsuming: () => undefined,
  };
}

/** A Kafka that batches go through. */
export interface KafkaRoute {
  readonly connection: KafkaConnection;
  /** Topics to make if they are not there. */
  readonly topics: TopicSettings | undefined;
  /** Where batches wait while Kafka is away. */
  readonly spoolDirectory: string;
}

const MOST_SPOOL_BYTES = 2 ** 30;
/** How long Kafka may take at the end for what still waits; the rest waits for the next start. */
const DRAIN_MS = 5_000;

/**
 * Through Kafka, where others may take a share of the work, and publish too.
 * @throws StoreError if another process uses the spool's directory.
 */
export async function kafkaPipe(
  { connection, topics, spoolDirectory }: KafkaRoute,
  { store, registry, log }: { readonly store: FlowStore; readonly registry: Registry; readonly log: Logger },
): Promise<Pipe> {
  const sink = createKafkaPublisher({ connection, topics, log });
  const publisher = await createSpooledPublisher(sink, {
    directory: spoolDirectory,
    mostBytes: MOST_SPOOL_BYTES,
    log,
  });
  const consumer = createKafkaConsumer({
    ...{ connection, topics, log },
    claim: (partitions) => store.claim(partitions),
  });
  publisherMetrics(registry, publisher);
  consumerMetrics(registry, consumer);
  return {
    publisher,
    consumer,
    endPublishing: () => publisher.close(DRAIN_MS),
    endConsuming: () => consumer.close(),
  };
}
