import type { FlowBatch } from '@sonde/model/batch/batch';
import { allocateObservedColumns } from '@sonde/model/flow/observed';
import { encodeBatch } from '@sonde/model/batch/wire/encode';
import { Registry } from 'prom-client';
import type { Logger } from '../../logging.js';
import { TransportClosedError } from '../in-process/in-process.js';
import type { FlowPublisher } from '../interface/transport.js';
import { Delivery } from './delivery.js';
import { PublisherMetrics } from './publisher-metrics.js';
import type { SpoolRecord } from './record.js';
import type { SpoolSink } from './sink.js';
import { lossOf, Spool } from './spool.js';
import { addLosses, type DroppedMessages, NOTHING_LOST } from './state.js';

export interface SpooledPublisherOptions {
  /** The directory of the spool, which outlives the process. One process can use it at a time. */
  readonly directory: string;
  /** Maximum size on disk while the sink is unavailable; then the oldest messages are dropped and counted. */
  readonly maxBytes: number;
  /** Where the metrics are registered. */
  readonly registry?: Registry | undefined;
  readonly log: Logger;
}

/** A collector's side of a transport that may be unavailable: accepted batches survive and arrive once. */
export interface SpooledPublisher extends FlowPublisher {
  /** Number of messages that are not delivered yet. */
  readonly waiting: number;
  /** Why nothing is delivered; undefined if delivery works. */
  readonly problem: string | undefined;
  /**
   * Accepts no more batches, delivers waiting messages for up to `drainMs`, and closes. The rest stays in the spool for
   * the next process.
   */
  close(drainMs: number): Promise<void>;
}

/**
 * Opens the spool with the messages of an earlier process and starts to deliver it. Every batch goes through the spool,
 * so `publish` resolves once the batch is on disk, whether or not the sink is available.
 * @throws DirectoryInUseError if another process uses the directory.
 */
export async function createSpooledPublisher(
  sink: SpoolSink,
  { registry = new Registry(), log, ...options }: SpooledPublisherOptions,
): Promise<SpooledPublisher> {
  const metrics = new PublisherMetrics(registry);
  let lost = NOTHING_LOST;
  const onLost = (more: DroppedMessages) => {
    lost = addLosses(lost, more);
    metrics.onLost(more);
  };
  const spool = await Spool.open({ ...options, onLost, log });
  metrics.observeSpool(() => spool);
  const delivery = new Delivery(spool, sink, metrics, log);
  let closed = false;
  /** Why the last batch could not be written to the spool. */
  let spoolProblem: string | undefined;

  return {
    async publish(batch) {
      if (closed) throw new TransportClosedError();
      const losses = {
        ...batch.losses,
        ...(lost.flows > 0 && { flows_spool_full: lost.flows }),
        ...(lost.lookups > 0 && { lookups_spool_full: lost.lookups }),
      };
      const record = recordOf({ ...batch, losses }, sink.topics);
      try {
        await spool.append([record]);
        spoolProblem = undefined;
      } catch (error) {
        onLost(lossOf([record]));
        spoolProblem = `cannot write to the spool: ${String(error)}`;
        log.error(
          { reason: String(error), flows: batch.rows },
          'batch dropped: the write to the spool failed',
        );
      }
      delivery.wake();
    },

    get waiting() {
      return spool.waiting;
    },

    get problem() {
      return spoolProblem ?? delivery.problem;
    },

    async close(drainMs) {
      closed = true;
      await delivery.end(drainMs);
      await spool.close();
    },
  };
}

/** The message of a batch, and a copy of its lookups for consumers of lookups only. */
function recordOf(batch: FlowBatch, topics: SpoolSink['topics']): Omit<SpoolRecord, 'position'> {
  const key = `${batch.cluster}/${batch.node}`;
  const contents = { flows: batch.rows, lookups: batch.dns?.rows ?? 0 };
  const messages = [{ topic: topics.flows, value: encodeBatch(batch) }];
  if (batch.dns) {
    const lookups = { ...batch, rows: 0, columns: allocateObservedColumns(0) };
    messages.push({ topic: topics.dns, value: encodeBatch(lookups) });
  }
  return { key, contents, messages };
}
