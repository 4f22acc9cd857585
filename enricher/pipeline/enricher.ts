import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import {
  type FlowStore,
  type RecordBlock,
  StoreError,
  WriterReplacedError,
} from '@sonde/backbone/store/store';
import type { DeliveredBatch, Delivery, FlowConsumer } from '@sonde/backbone/transport/interface/transport';
import type { FlowBatch } from '@sonde/model/batch/batch';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import { BlockMemories } from './block-memories.js';
import type { EnrichmentContext } from './context.js';
import { joinColumns } from '@sonde/model/record/join-columns';
import { dnsFields } from '@sonde/model/dns/fields';
import { flowFields } from '@sonde/model/flow/fields';
import { enrich } from './enrich.js';
import { enrichDns } from './enrich-dns.js';
import type { PendingAddresses } from './pending-addresses.js';

export interface EnricherOptions {
  readonly consumer: FlowConsumer;
  readonly store: FlowStore;
  /** The context of a cluster by its name in batches. */
  readonly contextOf: (cluster: string) => EnrichmentContext;
  readonly log: Logger;
  /** Delays flows until their pods are known; without it, flows do not wait. */
  readonly pending?: PendingAddresses | undefined;
  readonly observer?: EnricherObserver;
  /**
   * Whether the memory of a stored block is reused, which saves half of the work: then a block must not be used after
   * `onStored` returned.
   */
  readonly reusesMemory?: boolean;
  /** Gives up a block that the store keeps rejecting; without it, the enricher retries forever. */
  readonly signal?: AbortSignal | undefined;
}

/** Observes an enricher, for metrics and live views. */
export interface EnricherObserver {
  /** A block was stored. With `reusesMemory`, its columns are valid only until this returns. */
  onStored?(block: EnrichedBlock): void;
  /** The store rejected a block, which will be retried. */
  onRetry?(): void;
}

/** Complete records that are stored together. */
export type EnrichedBlock = Required<Pick<RecordBlock, 'flows' | 'dns'>>;

/** Rows of a block of several batches, at most. */
const MAX_BLOCK_ROWS = 200_000;

const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 10_000;

/**
 * Enriches flows and DNS lookups and stores them until the consumer ends. A block is stored whole or retried; meanwhile
 * the next one is enriched, and waits.
 */
export async function runEnricher(options: EnricherOptions): Promise<void> {
  const deliveries = options.consumer.deliveries()[Symbol.asyncIterator]();
  const memories = new BlockMemories(options.reusesMemory ?? false);
  let storing = Promise.resolve();
  try {
    for (;;) {
      // A failure must be reported even if no further delivery arrives.
      const next = await Promise.race([deliveries.next(), failureOf(storing)]);
      if (next.done === true) break;
      const delivery = next.value;
      const blocks = blocksOf(delivery.batches);
      for (const [place, batches] of blocks.entries()) {
        const memory = memories.take();
        const block = await enrichBlock(batches, memory, options);
        await storing;
        const isLast = place === blocks.length - 1;
        const turn = { block, messages: batches, memory, memories, delivery, isLast };
        storing = storeUnlessTaken(turn, options);
        // A failure is reported where `storing` is awaited.
        storing.catch(() => undefined);
      }
      if (blocks.length === 0) {
        await storing;
        delivery.confirmStored();
      }
    }
    await storing;
  } catch (error) {
    // The caller closes the consumer, which may still wait for the next delivery.
    void deliveries.return?.();
    throw error;
  }
}

/** Never resolves, but rejects if the other does. */
function failureOf(promise: Promise<void>): Promise<never> {
  return new Promise((_, reject) => {
    promise.catch(reject);
  });
}

/** Batches with records, in blocks that keep memory bounded. Blocks keep the order of offsets. */
function blocksOf(delivered: readonly DeliveredBatch[]): DeliveredBatch[][] {
  const blocks: DeliveredBatch[][] = [];
  let rows = 0;
  for (const one of delivered) {
    const more = recordsIn(one.batch);
    if (more === 0) continue;
    const block = blocks.at(-1);
    if (block && rows + more <= MAX_BLOCK_ROWS) {
      block.push(one);
      rows += more;
    } else {
      blocks.push([one]);
      rows = more;
    }
  }
  return blocks;
}

function recordsIn({ rows, dns }: FlowBatch): number {
  return rows + (dns?.rows ?? 0);
}

/** Enriches batches in `memory`, again after a wait for unknown addresses. */
async function enrichBlock(
  delivered: readonly DeliveredBatch[],
  memory: ColumnMemory,
  { contextOf, pending }: EnricherOptions,
): Promise<EnrichedBlock> {
  const groups = [...groupByContext(delivered, contextOf)];
  const enrichGroups = () =>
    groups.map(([context, batches]): EnrichedBlock => {
      const dns = enrichDns(batches, context, memory);
      return { dns, flows: enrich(batches, context, memory) };
    });
  let parts = enrichGroups();
  const settled = await Promise.all(
    parts.map(async ({ flows }, at) => await pending?.settle(clusterOf(groups[at]), flows)),
  );
  if (settled.includes(true)) {
    memory.reuse();
    parts = enrichGroups();
  }
  return joinBlocks(parts, memory);
}

/** Batches by the context of their cluster. Clusters that are not watched share one. */
function groupByContext(
  delivered: readonly DeliveredBatch[],
  contextOf: EnricherOptions['contextOf'],
): Map<EnrichmentContext, DeliveredBatch[]> {
  const groups = new Map<EnrichmentContext, DeliveredBatch[]>();
  const contexts = new Map<string, EnrichmentContext>();
  for (const one of delivered) {
    const { cluster } = one.batch;
    let context = contexts.get(cluster);
    if (!context) contexts.set(cluster, (context = contextOf(cluster)));
    const group = groups.get(context);
    if (group) group.push(one);
    else groups.set(context, [one]);
  }
  return groups;
}

/** The cluster of a context that only one cluster has. */
function clusterOf(group: readonly [EnrichmentContext, readonly DeliveredBatch[]] | undefined): string {
  return group?.[1][0]?.batch.cluster ?? '';
}

/** One block of the records of several; a single one is returned unchanged. */
function joinBlocks(blocks: readonly EnrichedBlock[], memory: ColumnMemory): EnrichedBlock {
  const [only, ...others] = blocks;
  if (only && others.length === 0) return only;
  const flows = blocks.map((block) => block.flows);
  const dns = blocks.map((block) => block.dns);
  return {
    flows: { rows: rowsOf(flows), columns: joinColumns(flowFields, flows, memory) },
    dns: { rows: rowsOf(dns), columns: joinColumns(dnsFields, dns, memory) },
  };
}

function rowsOf(parts: readonly { readonly rows: number }[]): number {
  return parts.reduce((sum, { rows }) => sum + rows, 0);
}

/** A block that is the next to be stored. */
interface StoreTurn {
  readonly block: EnrichedBlock;
  /** The batches that it consists of. */
  readonly messages: readonly DeliveredBatch[];
  /** Memory of its columns and of their encoded form. */
  readonly memory: ColumnMemory;
  readonly memories: BlockMemories;
  readonly delivery: Delivery;
  /** Whether the delivery is stored with it. */
  readonly isLast: boolean;
}

/** Stores a block, unless its partitions were assigned to another enricher or are delivered again. */
async function storeUnlessTaken(turn: StoreTurn, options: EnricherOptions): Promise<void> {
  const { delivery } = turn;
  try {
    // Batches that are delivered again must not be stored twice.
    delivery.signal.throwIfAborted();
    await storeBlock(turn, options);
  } catch (error) {
    if (error instanceof WriterReplacedError) delivery.rejectDelivery();
    else if (!delivery.signal.aborted) throw error;
    options.log.info(
      { batches: delivery.batches.length },
      "gave up batches: their partitions are another enricher's now, or come again",
    );
  }
}

async function storeBlock(turn: StoreTurn, options: EnricherOptions): Promise<void> {
  const { block, messages, memory, memories, delivery } = turn;
  const { store, log, observer, signal } = options;
  const signals = signal ? [delivery.signal, signal] : [delivery.signal];
  let retryMs = FIRST_RETRY_MS;
  for (let attempt = 1; ; attempt++) {
    try {
      // After a failure, the store may still use the memory.
      await store.insert({ ...block, messages, ...(attempt === 1 && { memory }) });
      observer?.onStored?.(block);
      if (attempt === 1) memories.giveBack(memory);
      if (turn.isLast) delivery.confirmStored();
      return;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      log.warn(
        { flows: block.flows.rows, dns: block.dns.rows, retryMs, reason: error.message },
        'the store did not take a block; trying again',
      );
      observer?.onRetry?.();
      await delay(retryMs, undefined, { signal: AbortSignal.any(signals) });
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }
}
