import type { DirectTransport } from '@sonde/backbone/transport/direct';
import type { KafkaFlowConsumer } from '@sonde/backbone/transport/kafka/consumer';
import type { SpooledPublisher } from '@sonde/backbone/transport/spool/spooled-publisher';
import { Gauge, type Registry } from 'prom-client';

/** The metrics of a collector's way to Kafka, on a registry. */
export function publisherMetrics(registry: Registry, publisher: SpooledPublisher): void {
  gauges(registry, [
    ['sonde_spool_messages', 'Messages that wait for Kafka', () => publisher.counts.spooledMessages],
    ['sonde_spool_bytes', 'Size of the spool on the disk', () => publisher.counts.spooledBytes],
    [
      'sonde_publisher_messages_sent',
      'Messages that Kafka has, since the start',
      () => publisher.counts.sentMessages,
    ],
    ['sonde_publisher_bytes_sent', 'Bytes of those messages', () => publisher.counts.sentBytes],
    [
      'sonde_publisher_failures',
      'Times that delivery failed and began anew, since the start',
      () => publisher.counts.failures,
    ],
    [
      'sonde_spool_lost_messages',
      'Messages dropped since the spool was made: it was full, or failed',
      () => publisher.counts.lostMessages,
    ],
    ['sonde_spool_lost_flows', 'Flow records in those messages', () => publisher.counts.lostFlows],
    [
      'sonde_spool_lost_lookups',
      'Records of DNS look-ups in those messages',
      () => publisher.counts.lostLookups,
    ],
  ]);
}

/** The metrics of an enricher's part of a consumer group, on a registry. */
export function consumerMetrics(registry: Registry, consumer: KafkaFlowConsumer): void {
  gauges(registry, [
    [
      'sonde_consumer_waiting_bytes',
      'Length of messages that wait to be stored',
      () => consumer.counts.waitingBytes,
    ],
    ['sonde_consumer_messages', 'Messages received since the start', () => consumer.counts.messages],
    ['sonde_consumer_bytes', 'Bytes of those messages', () => consumer.counts.bytes],
    [
      'sonde_consumer_assignments',
      'Times that partitions were assigned, since the start',
      () => consumer.counts.assignments,
    ],
    [
      'sonde_consumer_failures',
      'Times that the connection to Kafka failed and was made anew, since the start',
      () => consumer.counts.failures,
    ],
    [
      'sonde_consumer_dead_messages',
      'Messages that could not be read and were put aside, since the start',
      () => consumer.counts.dead,
    ],
    [
      'sonde_consumer_repeated_messages',
      'Messages that had come before and were passed over, since the start',
      () => consumer.counts.repeated,
    ],
    [
      'sonde_consumer_expired_messages',
      'Messages that Kafka deleted before they were stored, since the start',
      () => consumer.counts.expired,
    ],
  ]);
  new Gauge({
    name: 'sonde_consumer_lag',
    help: 'Messages of a partition that are not yet received',
    labelNames: ['partition'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [partition, lag] of consumer.counts.lag) this.set({ partition }, lag);
    },
  });
}

/** The metrics of the queue between collectors and enricher of one process, on a registry. */
export function queueMetrics(registry: Registry, queue: DirectTransport): void {
  gauges(registry, [
    ['sonde_transport_batches_waiting', 'Batches between collectors and enricher', () => queue.depth],
  ]);
}

function gauges(
  registry: Registry,
  declared: readonly (readonly [name: string, help: string, value: () => number])[],
): void {
  for (const [name, help, value] of declared) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  }
}
