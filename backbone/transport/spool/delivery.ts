import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../logging.js';
import type { PublisherMetrics } from './publisher-metrics.js';
import { recordSize, type SpoolRecord } from './record.js';
import { MessageTooLargeError, type OutgoingMessage, type SpoolSink } from './sink.js';
import type { Spool } from './spool.js';

/** Approximate size of a delivery: far below the brokers' limits, and large enough that round trips do not matter. */
const MAX_SEND_BYTES = 2 * 2 ** 20;

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/** Delivers a spool to its sink. After any failure, it restarts from the position that the sink has. */
export class Delivery {
  /** Why nothing is delivered; undefined if delivery works. */
  problem: string | undefined = 'not yet connected';
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #draining = false;
  #wake: (() => void) | undefined;
  #woken = false;
  /** After messages were too large together, those before this position are sent one by one. */
  #singlyUntil = 0;
  /** A message that is too large alone. */
  #undeliverable: SpoolRecord | undefined;

  constructor(
    private readonly spool: Spool,
    private readonly sink: SpoolSink,
    private readonly metrics: PublisherMetrics,
    private readonly log: Logger,
  ) {
    this.#done = this.#run();
  }

  /** Notifies that there are messages to deliver. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Delivers waiting messages for up to `drainMs`, and ends. */
  async end(drainMs: number): Promise<void> {
    this.#draining = true;
    this.wake();
    const timer = setTimeout(() => this.#stop(), drainMs);
    await this.#done;
    clearTimeout(timer);
    await this.sink.close();
  }

  #stop(): void {
    this.#stopping.abort();
    this.wake();
    // Makes a running delivery fail; the next process learns from the sink whether it arrived.
    void this.sink.close();
  }

  async #run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    for (;;) {
      try {
        await this.spool.resume(await this.sink.open(this.spool.stream));
        await this.#skipUndeliverable();
        await this.#deliver(() => (retryMs = FIRST_RETRY_MS));
        return;
      } catch (error) {
        if (this.#stopping.signal.aborted) return;
        this.metrics.onFailure();
        if (error instanceof MessageTooLargeError) continue;
        this.problem = String(error);
        this.log.warn(
          { reason: String(error), waiting: this.spool.waiting, retryMs },
          'delivery failed; messages stay in the spool; retrying',
        );
        await delay(retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
  }

  /** Delivers present and future messages, until the end. */
  async #deliver(onDelivered: () => void): Promise<void> {
    for (;;) {
      this.#stopping.signal.throwIfAborted();
      this.#woken = false;
      const records = await this.#take();
      const last = records.at(-1);
      if (last === undefined) {
        this.problem = undefined;
        if (this.#draining) {
          await this.spool.finish();
          return;
        }
        await this.#awake();
        continue;
      }
      try {
        await this.sink.send(records.flatMap(messagesOf), last.position + 1);
      } catch (error) {
        if (error instanceof MessageTooLargeError) {
          if (records.length === 1) this.#undeliverable = last;
          this.#singlyUntil = last.position + 1;
        }
        throw error;
      }
      await this.spool.confirmDelivered(last.position + 1);
      this.problem = undefined;
      this.metrics.onSent(records);
      onDelivered();
    }
  }

  /** Resolves when a message was appended since the last take. */
  async #awake(): Promise<void> {
    if (!this.#woken) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #take(): Promise<SpoolRecord[]> {
    const singly = this.spool.position < this.#singlyUntil;
    return this.spool.take(singly ? 1 : MAX_SEND_BYTES);
  }

  /** Counts a message as lost that the sink never accepts, and makes the sink skip it. */
  async #skipUndeliverable(): Promise<void> {
    const record = this.#undeliverable;
    if (record === undefined) return;
    await this.sink.send([], record.position + 1);
    await this.spool.discard([record]);
    await this.spool.skipTo(record.position + 1);
    this.#undeliverable = undefined;
    this.log.error({ bytes: recordSize(record) }, 'message dropped: too large for its topic');
  }
}

function messagesOf({ position, key, messages }: SpoolRecord): OutgoingMessage[] {
  return messages.map(({ topic, value }) => ({ position, key, topic, value }));
}
