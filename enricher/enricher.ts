import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import {
  type FlowStore,
  type RecordBlock,
  StoreError,
  WriterReplacedError,
} from '@sonde/backbone/store/store';
import type { DeliveredBatch, FlowConsumer } from '@sonde/backbone/transport/transport';
import type { FlowBatch } from '@sonde/model/flow/batch';
import type { EnrichmentContext } from './context.js';
import { enrich } from './enrich.js';
import { enrichDns } from './enrich-dns.js';
import type { PendingAddresses } from './pending.js';

export interface EnricherOptions {
  readonly consumer: FlowConsumer;
  readonly store: FlowStore;
  /** What is known of a cluster by its name, as batches give it. */
  readonly contextOf: (cluster: string) => EnrichmentContext;
  readonly log: Logger;
  /** Where the cluster is followed: flows wait for a moment until their pods are known. */
  readonly pending?: PendingAddresses | undefined;
  readonly observer?: EnricherObserver;
  /** Gives up a block that the store keeps refusing; without it the enricher tries for ever. */
  readonly signal?: AbortSignal | undefined;
}

/** What happens in an enricher, for metrics and live views. */
export interface EnricherObserver {
  /** A block is in the store. */
  onStored?(block: Required<RecordBlock>): void;
  /** The store refused a block, which will be tried again. */
  onRetry?(): void;
}

/** A block takes whole batches up to about this many rows. */
const MOST_BLOCK_ROWS = 200_000;

const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

/** Attaches context to flows and DNS look-ups and stores them until the consumer ends. A block is stored whole or tried again. */
export async function runEnricher(options: EnricherOptions): Promise<void> {
  for await (const delivery of options.consumer.deliveries()) {
    await options.pending?.settle(delivery.batches);
    try {
      for (const block of blocks(delivery.batches)) await storeBlock(block, delivery.signal, options);
      delivery.stored();
    } catch (error) {
      if (error instanceof WriterReplacedError) delivery.refused();
      else if (!delivery.signal.aborted) throw error;
      const batches = delivery.batches.length;
      options.log.info(
        { batches },
        "gave up batches: their partitions are another enricher's now, or come anew",
      );
    }
  }
}

/**
 * Batches that hold records, in blocks that keep memory bounded and are still few. A block is of one cluster, and
 * blocks keep the order of offsets, so that the highest one stored says where to resume.
 */
function* blocks(delivered: readonly DeliveredBatch[]): Generator<DeliveredBatch[]> {
  let block: DeliveredBatch[] = [];
  let rows = 0;
  for (const one of delivered) {
    const more = recordsIn(one.batch);
    if (more === 0) continue;
    const isOther = block[0] !== undefined && block[0].batch.cluster !== one.batch.cluster;
    if (rows > 0 && (isOther || rows + more > MOST_BLOCK_ROWS)) {
      yield block;
      block = [];
      rows = 0;
    }
    block.push(one);
    rows += more;
  }
  if (rows > 0) yield block;
}

function recordsIn({ rows, dns }: FlowBatch): number {
  return rows + (dns?.rows ?? 0);
}

async function storeBlock(
  delivered: readonly DeliveredBatch[],
  takenAway: AbortSignal,
  options: EnricherOptions,
): Promise<void> {
  const { store, contextOf, log, observer, signal } = options;
  const context = contextOf(delivered[0]?.batch.cluster ?? '');
  const dns = enrichDns(delivered, context);
  const block = { dns, flows: enrich(delivered, context) };
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS)) {
    try {
      await store.insert(block);
      observer?.onStored?.(block);
      return;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.warn(
        { flows: block.flows.rows, dns: dns.rows, retryMs, reason: error.message },
        'the store did not take a block; trying again',
      );
      observer?.onRetry?.();
      await delay(retryMs, undefined, { signal: AbortSignal.any([takenAway, ...(signal ? [signal] : [])]) });
    }
  }
}
