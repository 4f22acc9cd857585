import { createLogger } from '@sonde/backbone/logging';
import { type FlowStore, type RecordBlock, StoreError } from '@sonde/backbone/store/store';
import type { DeliveredBatch, Delivery } from '@sonde/backbone/transport/interface/transport';
import { batchOf } from '@sonde/test/builders/batch';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { flowRow } from '@sonde/model/flow/records';
import { expect, it } from 'vitest';
import { contextFromObjects, type EnrichmentContext } from './context.js';
import { runEnricher } from './enricher.js';

const ADDRESS = '10.0.0.1';

/** Waits for what comes by itself, however busy the machine is. */
const soon = <Value>(read: () => Value) => expect.poll(read, { timeout: 30_000, interval: 10 });

/** A cluster where a pod of that name and namespace holds the address. */
function clusterWith(pod: string, workload: string): EnrichmentContext {
  const object = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...{ name: pod, namespace: 'shop' },
      ownerReferences: [{ kind: 'StatefulSet', name: workload, controller: true }],
    },
    status: { phase: 'Running', podIPs: [{ ip: ADDRESS }] },
  };
  return contextFromObjects([object]).context;
}

function delivered(cluster: string, offset: number): DeliveredBatch {
  const flows = observedFlows([
    { src_ip: ADDRESS, dst_ip: '198.51.100.1', start_time: 1000, end_time: 1000 },
  ]);
  const batch = batchOf(flows, { cluster, sequence: offset });
  return { batch, partition: 0, offset };
}

/** The flows that an enricher stores of batches that came together, block by block. */
async function stored(
  batches: readonly DeliveredBatch[],
  contexts: Readonly<Record<string, EnrichmentContext>>,
) {
  const blocks: { cluster: string; workload: string; offset: number }[][] = [];
  const store: Pick<FlowStore, 'insert'> = {
    insert({ flows }: RecordBlock) {
      const rows = Array.from({ length: flows?.rows ?? 0 }, (_, row) => flows && flowRow(flows.columns, row));
      blocks.push(
        rows.flatMap((row) =>
          row ? [{ cluster: row.cluster, workload: row.src_workload, offset: row.transport_offset }] : [],
        ),
      );
      return Promise.resolve();
    },
  };
  await enrichInto(store, batches, contexts);
  return blocks;
}

/** Enriches batches that came together. */
async function enrichInto(
  store: Pick<FlowStore, 'insert'>,
  batches: readonly DeliveredBatch[],
  contexts: Readonly<Record<string, EnrichmentContext>> = {},
): Promise<void> {
  await runEnricher({
    consumer: {
      async *deliveries() {
        const signal = new AbortController().signal;
        const ended = () => undefined;
        yield await Promise.resolve({ batches, signal, confirmStored: ended, rejectDelivery: ended });
      },
    },
    store: store as FlowStore,
    contextOf: (cluster) => contexts[cluster] ?? contextFromObjects([]).context,
    log: createLogger('test', 'silent'),
  });
}

it('the store is given the messages of each block, with the places that they had in their spools', async () => {
  const source = (position: number) => ({ stream: 'a', position });
  const batches = ['east', 'east', 'west'].map((cluster, offset) => ({
    ...delivered(cluster, offset),
    source: source(offset + 7),
  }));
  const messages: RecordBlock['messages'][] = [];
  await enrichInto({ insert: (block) => Promise.resolve(void messages.push(block.messages)) }, batches);
  expect(messages.map((ones) => ones?.map(({ partition, source }) => ({ partition, source })))).toEqual([
    [
      { partition: 0, source: source(7) },
      { partition: 0, source: source(8) },
    ],
    [{ partition: 0, source: source(9) }],
  ]);
});

it('equal addresses and names of several clusters are told apart, in the order of offsets', async () => {
  const contexts = { east: clusterWith('db-0', 'east-db'), west: clusterWith('db-0', 'west-db') };
  const batches = ['east', 'west', 'west', 'east', 'north'].map(delivered);
  expect(await stored(batches, contexts)).toEqual([
    [{ cluster: 'east', workload: 'east-db', offset: 0 }],
    [
      { cluster: 'west', workload: 'west-db', offset: 1 },
      { cluster: 'west', workload: 'west-db', offset: 2 },
    ],
    [{ cluster: 'east', workload: 'east-db', offset: 3 }],
    [{ cluster: 'north', workload: '', offset: 4 }],
  ]);
});

/** A store whose inserts end when told to, and what has been asked of it: the offsets of each block's first row. */
function slowStore() {
  const asked: number[] = [];
  const pending: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const insert = ({ flows }: RecordBlock) => {
    asked.push(flows ? flowRow(flows.columns, 0).transport_offset : -1);
    return new Promise<void>((resolve, reject) => pending.push({ resolve, reject }));
  };
  return { store: { insert } as Partial<FlowStore> as FlowStore, asked, pending };
}

/** An enricher that is given deliveries of one batch each, and never told of an end. */
function running(store: FlowStore, offsets: readonly number[]) {
  const taken = new AbortController();
  const stored: number[] = [];
  const deliveryOf = (offset: number): Delivery => ({
    batches: [delivered('east', offset)],
    signal: taken.signal,
    confirmStored: () => stored.push(offset),
    rejectDelivery: () => taken.abort(),
  });
  const contexts: string[] = [];
  const done = runEnricher({
    consumer: {
      async *deliveries() {
        for (const offset of offsets) {
          yield await Promise.resolve(deliveryOf(offset));
        }
        await new Promise(() => undefined);
      },
    },
    store,
    contextOf: (cluster) => {
      contexts.push(cluster);
      return contextFromObjects([]).context;
    },
    log: createLogger('test', 'silent'),
  });
  return { done, stored, taken, enriched: contexts };
}

it('the next block is enriched while one is being stored, and waits for its turn', async () => {
  const { store, asked, pending } = slowStore();
  const { enriched, stored } = running(store, [0, 1, 2]);
  await soon(() => enriched).toHaveLength(2);
  expect(asked).toEqual([0]);
  pending[0]?.resolve();
  await soon(() => asked).toEqual([0, 1]);
  expect(stored).toEqual([0]);
  await soon(() => enriched).toHaveLength(3);
}, 60_000);

it('a block whose partitions were taken away while it waited is not stored', async () => {
  const { store, asked, pending } = slowStore();
  const { enriched, stored, taken } = running(store, [0, 1, 2]);
  await soon(() => enriched).toHaveLength(2);
  taken.abort();
  pending[0]?.resolve();
  await soon(() => enriched).toHaveLength(3);
  expect(asked).toEqual([0]);
  expect(stored).toEqual([0]);
}, 60_000);

it('a block that the store refused is tried again before the next one', async () => {
  const { store, asked, pending } = slowStore();
  running(store, [0, 1]);
  await soon(() => asked).toEqual([0]);
  pending[0]?.reject(new StoreError('away'));
  await soon(() => asked).toEqual([0, 0]);
  pending[1]?.resolve();
  await soon(() => asked).toEqual([0, 0, 1]);
}, 60_000);

it('what cannot be stored ends the enricher though nothing more comes', async () => {
  const { store, pending } = slowStore();
  const { done } = running(store, [0]);
  await soon(() => pending).toHaveLength(1);
  pending[0]?.reject(new RangeError('a column is too short'));
  await expect(done).rejects.toThrow('too short');
}, 60_000);
