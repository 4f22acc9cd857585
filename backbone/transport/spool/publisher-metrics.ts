import { Counter, Gauge, type Registry } from 'prom-client';
import { recordSize, type SpoolRecord } from './record.js';
import type { DroppedMessages } from './state.js';

/** The size of a spool, read at each scrape. */
export interface SpoolSize {
  readonly waiting: number;
  readonly bytes: number;
}

/** The metrics of a spool and of its delivery to Kafka. */
export class PublisherMetrics {
  readonly #lostMessages: Counter;
  readonly #lostRecords: Counter<'type'>;
  readonly #sentMessages: Counter;
  readonly #sentBytes: Counter;
  readonly #failures: Counter;

  constructor(private readonly registry: Registry) {
    const registers = [registry];
    this.#lostMessages = new Counter({
      name: 'sonde_spool_lost_messages_total',
      help: 'Batches dropped because the spool was full, damaged or could not be written',
      registers,
    });
    this.#lostRecords = new Counter({
      name: 'sonde_spool_lost_records_total',
      help: 'Records in batches dropped because the spool was full, damaged or could not be written, by record type (flow, dns)',
      labelNames: ['type'],
      registers,
    });
    for (const type of ['flow', 'dns']) this.#lostRecords.inc({ type }, 0);
    this.#sentMessages = new Counter({
      name: 'sonde_publisher_sent_messages_total',
      help: 'Messages acknowledged by Kafka',
      registers,
    });
    this.#sentBytes = new Counter({
      name: 'sonde_publisher_sent_bytes_total',
      help: 'Bytes of the messages acknowledged by Kafka',
      registers,
    });
    this.#failures = new Counter({
      name: 'sonde_publisher_failures_total',
      help: 'Failed deliveries to Kafka; each is retried',
      registers,
    });
  }

  /** Registers the gauges of a spool. */
  observeSpool(sizeOf: () => SpoolSize): void {
    const registers = [this.registry];
    new Gauge({
      name: 'sonde_spool_messages',
      help: 'Batches in the spool that Kafka has not acknowledged',
      registers,
      collect() {
        this.set(sizeOf().waiting);
      },
    });
    new Gauge({
      name: 'sonde_spool_bytes',
      help: 'Size of the spool on disk',
      registers,
      collect() {
        this.set(sizeOf().bytes);
      },
    });
  }

  onLost({ messages, flows, lookups }: DroppedMessages): void {
    this.#lostMessages.inc(messages);
    this.#lostRecords.inc({ type: 'flow' }, flows);
    this.#lostRecords.inc({ type: 'dns' }, lookups);
  }

  onSent(records: readonly SpoolRecord[]): void {
    this.#sentMessages.inc(records.reduce((sum, { messages }) => sum + messages.length, 0));
    this.#sentBytes.inc(records.reduce((sum, record) => sum + recordSize(record), 0));
  }

  onFailure(): void {
    this.#failures.inc();
  }
}
