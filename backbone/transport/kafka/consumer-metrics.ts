import { Counter, Gauge, type Registry } from 'prom-client';

/** The state of a consumer, read at each scrape. */
export interface ConsumerState {
  /** Messages that were not fetched yet, by owned partition. */
  readonly lag: ReadonlyMap<number, number>;
  /** Size of fetched messages that are not stored yet. */
  readonly pendingBytes: number;
}

const SKIP_REASONS = ['malformed', 'duplicate', 'expired'] as const;

/** The metrics of an enricher's membership in a consumer group. */
export class ConsumerMetrics {
  readonly #messages: Counter;
  readonly #bytes: Counter;
  readonly #skipped: Counter<'reason'>;
  readonly #assignments: Counter;
  readonly #failures: Counter;

  /** @param state reads the current state of the consumer. */
  constructor(registry: Registry, state: () => ConsumerState) {
    const registers = [registry];
    this.#messages = new Counter({
      name: 'sonde_consumer_messages_total',
      help: 'Messages fetched from Kafka',
      registers,
    });
    this.#bytes = new Counter({
      name: 'sonde_consumer_bytes_total',
      help: 'Bytes of the messages fetched from Kafka',
      registers,
    });
    this.#skipped = new Counter({
      name: 'sonde_consumer_skipped_messages_total',
      help: 'Messages that were not stored, by reason: malformed (moved to the dead-letter topic), duplicate (already stored), expired (deleted by Kafka before they were stored)',
      labelNames: ['reason'],
      registers,
    });
    for (const reason of SKIP_REASONS) this.#skipped.inc({ reason }, 0);
    this.#assignments = new Counter({
      name: 'sonde_consumer_assignments_total',
      help: 'Assignments of partitions to this enricher',
      registers,
    });
    this.#failures = new Counter({
      name: 'sonde_consumer_failures_total',
      help: 'Failures of the connection to Kafka; the consumer reconnects after each',
      registers,
    });
    new Gauge({
      name: 'sonde_consumer_lag_messages',
      help: 'Messages of a partition that were not fetched yet; only of partitions that this enricher owns',
      labelNames: ['partition'],
      registers,
      collect() {
        this.reset();
        for (const [partition, lag] of state().lag) this.set({ partition: String(partition) }, lag);
      },
    });
    new Gauge({
      name: 'sonde_consumer_pending_bytes',
      help: 'Size of fetched messages that are not stored yet',
      registers,
      collect() {
        this.set(state().pendingBytes);
      },
    });
  }

  onMessage(bytes: number): void {
    this.#messages.inc();
    this.#bytes.inc(bytes);
  }

  onSkipped(reason: (typeof SKIP_REASONS)[number], messages = 1): void {
    this.#skipped.inc({ reason }, messages);
  }

  onAssignment(): void {
    this.#assignments.inc();
  }

  onFailure(): void {
    this.#failures.inc();
  }
}
