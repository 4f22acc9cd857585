import type { Registry } from 'prom-client';
import { collectedCounter, collectedGauge } from '../../metrics/collected.js';
import type { InProcessTransport } from '../in-process/in-process.js';
import type { KafkaFlowConsumer } from '../kafka/consumer.js';
import type { SpooledPublisher } from '../spool/spooled-publisher.js';

/** Registers the metrics of a spool and of the delivery from it to Kafka. */
export function registerPublisherMetrics(registry: Registry, publisher: SpooledPublisher): void {
  collectedGauge(registry, {
    name: 'sonde_spool_messages',
    help: 'Messages in the spool that Kafka has not acknowledged',
    collect: () => publisher.counts.spooledMessages,
  });
  collectedGauge(registry, {
    name: 'sonde_spool_bytes',
    help: 'Size of the spool on disk',
    collect: () => publisher.counts.spooledBytes,
  });
  collectedCounter(registry, {
    name: 'sonde_spool_lost_messages_total',
    help: 'Messages dropped because the spool was full or failed',
    collect: () => publisher.counts.lostMessages,
  });
  collectedCounter(registry, {
    name: 'sonde_spool_lost_records_total',
    help: 'Records in messages dropped because the spool was full or failed, by record type (flow, dns)',
    labelNames: ['type'],
    collect: () => [
      [{ type: 'flow' }, publisher.counts.lostFlows],
      [{ type: 'dns' }, publisher.counts.lostLookups],
    ],
  });
  collectedCounter(registry, {
    name: 'sonde_publisher_sent_messages_total',
    help: 'Messages acknowledged by Kafka',
    collect: () => publisher.counts.sentMessages,
  });
  collectedCounter(registry, {
    name: 'sonde_publisher_sent_bytes_total',
    help: 'Bytes of the messages acknowledged by Kafka',
    collect: () => publisher.counts.sentBytes,
  });
  collectedCounter(registry, {
    name: 'sonde_publisher_failures_total',
    help: 'Failed deliveries to Kafka; each is retried',
    collect: () => publisher.counts.failures,
  });
}

/** Registers the metrics of an enricher's membership in a consumer group. */
export function registerConsumerMetrics(registry: Registry, consumer: KafkaFlowConsumer): void {
  collectedGauge(registry, {
    name: 'sonde_consumer_lag_messages',
    help: 'Messages of a partition that were not fetched yet',
    labelNames: ['partition'],
    collect: () =>
      [...consumer.counts.lag].map(([partition, lag]) => [{ partition: String(partition) }, lag] as const),
  });
  collectedGauge(registry, {
    name: 'sonde_consumer_pending_bytes',
    help: 'Size of fetched messages that are not stored yet',
    collect: () => consumer.counts.waitingBytes,
  });
  collectedCounter(registry, {
    name: 'sonde_consumer_messages_total',
    help: 'Messages fetched from Kafka',
    collect: () => consumer.counts.messages,
  });
  collectedCounter(registry, {
    name: 'sonde_consumer_bytes_total',
    help: 'Bytes of the messages fetched from Kafka',
    collect: () => consumer.counts.bytes,
  });
  collectedCounter(registry, {
    name: 'sonde_consumer_skipped_messages_total',
    help: 'Messages that were not stored, by reason: malformed (moved to the dead-letter topic), duplicate (already stored), expired (deleted by Kafka before they were stored)',
    labelNames: ['reason'],
    collect: () => [
      [{ reason: 'malformed' }, consumer.counts.dead],
      [{ reason: 'duplicate' }, consumer.counts.repeated],
      [{ reason: 'expired' }, consumer.counts.expired],
    ],
  });
  collectedCounter(registry, {
    name: 'sonde_consumer_assignments_total',
    help: 'Assignments of partitions to this enricher',
    collect: () => consumer.counts.assignments,
  });
  collectedCounter(registry, {
    name: 'sonde_consumer_failures_total',
    help: 'Failures of the connection to Kafka; the consumer reconnects after each',
    collect: () => consumer.counts.failures,
  });
}

/** Registers the metrics of the in-process queue between collectors and enricher. */
export function registerQueueMetrics(registry: Registry, queue: InProcessTransport): void {
  collectedGauge(registry, {
    name: 'sonde_transport_queued_batches',
    help: 'Batches in the in-process queue between collectors and enricher',
    collect: () => queue.depth,
  });
}
