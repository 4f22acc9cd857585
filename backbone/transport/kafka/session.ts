import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, Consumer, ConsumerConfig, Kafka, Producer, ProducerConfig } from 'kafkajs';
import type { Logger } from '../../logging.js';
import { type KafkaConnection, kafkaClient } from './connection.js';
import { Sockets } from './sockets.js';

/** How long clients have to disconnect gracefully before their sockets are closed. */
const MAX_DISCONNECT_MS = 5_000;

/** A clock that is set back by less delays nothing in kafkajs by more. */
const MAX_CLOCK_STEP_MS = 1_000;

/**
 * Calls back when the system clock is set back. kafkajs measures intervals with it: it would send no heartbeats, and
 * neither time out requests nor refresh metadata, until the clock is where it was.
 */
function onClockSetBack(callBack: (ms: number) => void): NodeJS.Timeout {
  const offset = () => Date.now() - performance.now();
  let last = offset();
  return setInterval(() => {
    const step = last - offset();
    last -= step;
    if (step > MAX_CLOCK_STEP_MS) callBack(step);
  }, MAX_CLOCK_STEP_MS).unref();
}

/**
 * Kafka clients with a common lifetime. However kafkajs fails, a session ends within a bounded time, leaves no
 * connection open and releases everything that waits for it. After a failure, start a new session.
 */
export class KafkaSession {
  readonly #sockets = new Sockets();
  readonly #kafka: Kafka;
  readonly #clients: (Admin | Producer | Consumer)[] = [];
  readonly #over = new AbortController();
  /** Resolves with the reason when the session ends. */
  readonly over: Promise<Error>;
  readonly #clock: NodeJS.Timeout;

  constructor(connection: KafkaConnection, log: Logger) {
    this.#clock = onClockSetBack((ms) =>
      this.fail(new Error(`the system clock was set back by ${Math.round(ms / 1000)} s`)),
    );
    this.#kafka = kafkaClient(connection, log, this.#sockets.create);
    const { signal } = this.#over;
    this.over = new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(signal.reason as Error));
    });
  }

  admin(): Admin {
    return this.#with(this.#kafka.admin());
  }

  producer(config: ProducerConfig): Producer {
    return this.#with(this.#kafka.producer(config));
  }

  consumer(config: ConsumerConfig): Consumer {
    return this.#with(this.#kafka.consumer(config));
  }

  /** Connects its clients. */
  async connect(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.connect()));
  }

  /**
   * Waits for `work`, which kafkajs may leave pending forever.
   * @throws Error if it takes longer than `maxMs`, or the reason if the session ends first.
   */
  async within<Result>(maxMs: number, work: Promise<Result>): Promise<Result> {
    const { signal } = this.#over;
    let onOver = (): void => undefined;
    let late: NodeJS.Timeout | undefined;
    try {
      // Not Promise.race with a promise that lasts as long as the session: that one would keep every `work`.
      return await new Promise<Result>((resolve, reject) => {
        onOver = () => reject(signal.reason as Error);
        if (signal.aborted) onOver();
        signal.addEventListener('abort', onOver);
        if (maxMs < Infinity) {
          const error = new Error(`no response from Kafka within ${maxMs / 1000} s`);
          late = setTimeout(() => reject(error), maxMs);
        }
        work.then(resolve, reject);
      });
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', onOver);
    }
  }

  /** Marks the session as failed; call `end` to close it. */
  fail(error: Error): void {
    this.#over.abort(error);
  }

  /** Closes all connections, whatever their state. */
  async end(): Promise<void> {
    clearInterval(this.#clock);
    this.fail(new Error('the Kafka connections are closed'));
    const ended = Promise.allSettled(this.#clients.map((client) => client.disconnect()));
    await Promise.race([ended, delay(MAX_DISCONNECT_MS, undefined, { ref: false })]);
    this.#sockets.end();
  }

  #with<Client extends Admin | Producer | Consumer>(client: Client): Client {
    this.#clients.push(client);
    return client;
  }
}
