import { setTimeout as delay } from 'node:timers/promises';
import type { FlowBatch } from '@sonde/model/batch/batch';
import { allocateObservedColumns } from '@sonde/model/flow/observed';
import { encodeBatch } from '@sonde/model/batch/wire/encode';
import type { Logger } from '../../logging.js';
import { TransportClosedError } from '../in-process/in-process.js';
import type { FlowPublisher } from '../interface/transport.js';
import type { SpoolRecord } from './record.js';
import { MessageTooLargeError, type SpoolSink } from './sink.js';
import { Spool } from './spool.js';

export interface SpooledPublisherOptions {
  /** Where the spool lies; it outlives the process. One process at a time may use it. */
  readonly directory: string;
  /** Most bytes on the disk, for the time that the sink is away; then the oldest are dropped and counted. */
  readonly maxBytes: number;
  readonly log: Logger;
}

/** A collector's end of a transport that may be away: what it has accepted survives, and arrives once. */
export interface SpooledPublisher extends FlowPublisher {
  /** How things stand, for metrics; `sent…` and `failures` since the start, `lost…` since the spool was made. */
  readonly counts: PublisherCounts;
  /** Why nothing is delivered at the moment; undefined if nothing hinders it. */
  readonly problem: string | undefined;
  /**
   * Takes no more batches, delivers what waits for up to `drainMs`, and closes. What is left stays in the spool for the
   * next process.
   */
  close(drainMs: number): Promise<void>;
}

export interface PublisherCounts {
  readonly spooledMessages: number;
  readonly spooledBytes: number;
  readonly sentMessages: number;
  readonly sentBytes: number;
  readonly failures: number;
  readonly lostMessages: number;
  readonly lostFlows: number;
  readonly lostLookups: number;
}

/** About how much is delivered at a time: far below what brokers take, and large enough that trips do not count. */
const MAX_SEND_BYTES = 2 * 2 ** 20;

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 5_000;

/**
 * Opens the spool, with what a process before this one left in it, and starts delivering it. Every batch goes through
 * the spool, so `publish` resolves when the batch is safe on the disk, whether or not the sink is there.
 * @throws DirectoryInUseError if another process uses the directory.
 */
export async function createSpooledPublisher(
  sink: SpoolSink,
  { log, ...options }: SpooledPublisherOptions,
): Promise<SpooledPublisher> {
  const spool = await Spool.open({ ...options, log });
  const delivery = new Delivery(spool, sink, log);
  /** What could not even be spooled: the disk failed. */
  const refused = { messages: 0, flows: 0, lookups: 0 };
  let closed = false;

  function lost() {
    return {
      messages: spool.lost.messages + refused.messages,
      flows: spool.lost.flows + refused.flows,
      lookups: spool.lost.lookups + refused.lookups,
    };
  }

  return {
    async publish(batch) {
      if (closed) throw new TransportClosedError();
      const { flows, lookups } = lost();
      const losses = {
        ...batch.losses,
        ...(flows > 0 && { flows_spool_full: flows }),
        ...(lookups > 0 && { lookups_spool_full: lookups }),
      };
      const messages = messagesOf({ ...batch, losses }, sink.topics);
      try {
        await spool.append(messages);
      } catch (error) {
        for (const { contents } of messages) {
          refused.messages += 1;
          refused.flows += contents.flows;
          refused.lookups += contents.lookups;
        }
        log.error(
          { reason: String(error), flows: batch.rows },
          'batch dropped: the write to the spool failed',
        );
      }
      delivery.wake();
    },

    get counts() {
      const { messages, flows, lookups } = lost();
      return {
        spooledMessages: spool.waiting,
        spooledBytes: spool.bytes,
        ...delivery.counts,
        ...{ lostMessages: messages, lostFlows: flows, lostLookups: lookups },
      };
    },

    get problem() {
      return delivery.problem;
    },

    async close(drainMs) {
      closed = true;
      await delivery.end(drainMs);
      await spool.close();
    },
  };
}

/** A batch's message, and for readers of lookups alone a copy of those. */
function messagesOf(batch: FlowBatch, topics: SpoolSink['topics']): Omit<SpoolRecord, 'position'>[] {
  const key = `${batch.cluster}/${batch.node}`;
  const contents = { flows: batch.rows, lookups: batch.dns?.rows ?? 0 };
  const message = { topic: topics.flows, key, value: encodeBatch(batch), contents };
  if (!batch.dns) return [message];
  const lookups = encodeBatch({ ...batch, rows: 0, columns: allocateObservedColumns(0) });
  return [message, { topic: topics.dns, key, value: lookups, contents: { flows: 0, lookups: 0 } }];
}

/** Takes messages from a spool to its sink. Whatever fails, it starts over from what the sink says it has. */
class Delivery {
  readonly counts = { sentMessages: 0, sentBytes: 0, failures: 0 };
  problem: string | undefined = 'not yet connected';
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #draining = false;
  #wake: (() => void) | undefined;
  #woken = false;
  /** After messages were too large together, those up to this position go one by one. */
  #singlyUntil = 0;
  /** A message that is too large by itself. */
  #undeliverable: SpoolRecord | undefined;

  constructor(
    private readonly spool: Spool,
    private readonly sink: SpoolSink,
    private readonly log: Logger,
  ) {
    this.#done = this.#run();
  }

  /** Says that there is something to deliver. */
  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Delivers what waits, for up to `drainMs`, and ends. */
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
    // What is under way fails then; whether it was delivered is found out by who opens the spool next.
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
        this.counts.failures += 1;
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

  /** Delivers what is there and what comes, until the end. */
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
        await this.sink.send(records, last.position + 1);
      } catch (error) {
        if (error instanceof MessageTooLargeError) {
          if (records.length === 1) this.#undeliverable = last;
          this.#singlyUntil = last.position + 1;
        }
        throw error;
      }
      await this.spool.confirmDelivered(last.position + 1);
      this.problem = undefined;
      this.counts.sentMessages += records.length;
      this.counts.sentBytes += records.reduce((sum, { value }) => sum + value.length, 0);
      onDelivered();
    }
  }

  /** Resolves when something has come since the spool was last looked at. */
  async #awake(): Promise<void> {
    if (!this.#woken) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  #take(): Promise<SpoolRecord[]> {
    const singly = this.spool.position < this.#singlyUntil;
    return this.spool.take(singly ? 1 : MAX_SEND_BYTES);
  }

  /** Counts a message as lost that the sink will never take, and has the sink go past it. */
  async #skipUndeliverable(): Promise<void> {
    const record = this.#undeliverable;
    if (record === undefined) return;
    await this.sink.send([], record.position + 1);
    await this.spool.discard([record]);
    await this.spool.skipTo(record.position + 1);
    this.#undeliverable = undefined;
    this.log.error(
      { bytes: record.value.length, topic: record.topic },
      'message dropped: too large for its topic',
    );
  }
}
