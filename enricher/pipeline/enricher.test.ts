import { createLogger } from '@sonde/backbone/logging';
import { type FlowStore, type RecordBlock, StoreError } from '@sonde/backbone/store/store';
import type { DeliveredBatch, Delivery } from '@sonde/backbone/transport/interface/transport';
import { batchOf } from '@sonde/test/builders/batch';
import { observedDns } from '@sonde/test/builders/dns';
import { observedFlows } from '@sonde/test/builders/observed-flows';
import { flowRow } from '@sonde/model/flow/records';
import { expect, it } from 'vitest';
import { contextFromObjects, contextsByName, type EnrichmentContext } from './context.js';
import { runEnricher } from './enricher.js';

const ADDRESS = '10.0.0.1';

/** Polls a value, however busy the machine is. */
const soon = <Value>(read: () => Value) => expect.poll(read, { timeout: 30_000, interval: 10 });

/** A cluster in which a pod of a workload has the address. */
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

/** The flows that an enricher stores for the batches of one delivery, by block. */
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

/** Enriches the batches of one delivery. */
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

it('passes the messages of each block with their positions in their spools to the store', async () => {
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
      { partition: 0, source: source(9) },
    ],
  ]);
});

it('stores batches of several clusters in one block, and distinguishes their equal addresses and names', async () => {
  const contexts = { east: clusterWith('db-0', 'east-db'), west: clusterWith('db-0', 'west-db') };
  const batches = ['east', 'west', 'west', 'east', 'north'].map(delivered);
  expect(await stored(batches, contexts)).toEqual([
    [
      { cluster: 'east', workload: 'east-db', offset: 0 },
      { cluster: 'east', workload: 'east-db', offset: 3 },
      { cluster: 'west', workload: 'west-db', offset: 1 },
      { cluster: 'west', workload: 'west-db', offset: 2 },
      { cluster: 'north', workload: '', offset: 4 },
    ],
  ]);
});

/** A store whose inserts settle on command, and the first offset of each insert. */
function slowStore() {
  const asked: number[] = [];
  const pending: { resolve: () => void; reject: (error: Error) => void }[] = [];
  const insert = ({ flows }: RecordBlock) => {
    asked.push(flows ? flowRow(flows.columns, 0).transport_offset : -1);
    return new Promise<void>((resolve, reject) => pending.push({ resolve, reject }));
  };
  return { store: { insert } as Partial<FlowStore> as FlowStore, asked, pending };
}

/** An enricher that gets deliveries of one batch each, and no end. */
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

it('enriches the next block while one is stored, and stores it afterwards', async () => {
  const { store, asked, pending } = slowStore();
  const { enriched, stored } = running(store, [0, 1, 2]);
  await soon(() => enriched).toHaveLength(2);
  expect(asked).toEqual([0]);
  pending[0]?.resolve();
  await soon(() => asked).toEqual([0, 1]);
  expect(stored).toEqual([0]);
  await soon(() => enriched).toHaveLength(3);
}, 60_000);

it('does not store a block whose partitions were revoked while it waited', async () => {
  const { store, asked, pending } = slowStore();
  const { enriched, stored, taken } = running(store, [0, 1, 2]);
  await soon(() => enriched).toHaveLength(2);
  taken.abort();
  pending[0]?.resolve();
  await soon(() => enriched).toHaveLength(3);
  expect(asked).toEqual([0]);
  expect(stored).toEqual([0]);
}, 60_000);

it('retries a block that the store rejected before the next one', async () => {
  const { store, asked, pending } = slowStore();
  running(store, [0, 1]);
  await soon(() => asked).toEqual([0]);
  pending[0]?.reject(new StoreError('away'));
  await soon(() => asked).toEqual([0, 0]);
  pending[1]?.resolve();
  await soon(() => asked).toEqual([0, 0, 1]);
}, 60_000);

it('fails when a block cannot be stored, without waiting for another one', async () => {
  const { store, pending } = slowStore();
  const { done } = running(store, [0]);
  await soon(() => pending).toHaveLength(1);
  pending[0]?.reject(new RangeError('a column is too short'));
  await expect(done).rejects.toThrow('too short');
}, 60_000);

/** A lookup by the address and a flow to what it got. */
function namedBatch(cluster: string, name: string, offset: number): DeliveredBatch {
  const dst_ip = '192.168.7.7';
  const dns = observedDns([
    { src_ip: ADDRESS, query_name: name, answers: dst_ip, answer_ttl_s: 60, start_time: 900 },
  ]);
  const flows = observedFlows([{ src_ip: ADDRESS, dst_ip, start_time: 1000, end_time: 1000 }]);
  return { batch: batchOf(flows, { cluster, dns, sequence: offset }), partition: 0, offset };
}

it('clusters that are not watched share a context, and their clients still have their own domain names', async () => {
  const contextOf = contextsByName(new Map(), createLogger('test', 'silent'));
  expect(contextOf('east')).toBe(contextOf('west'));
  const blocks: (string | undefined)[][] = [];
  const batches = [
    namedBatch('east', 'db.east.example', 0),
    namedBatch('west', 'db.west.example', 1),
    delivered('north', 2),
  ];
  await enrichInto(
    {
      insert({ flows }) {
        blocks.push(
          Array.from(
            { length: flows?.rows ?? 0 },
            (_, row) => flows && flowRow(flows.columns, row).dst_domain,
          ),
        );
        return Promise.resolve();
      },
    },
    batches,
    { east: contextOf('east'), west: contextOf('west'), north: contextOf('north') },
  );
  expect(blocks).toEqual([['db.east.example', 'db.west.example', '']]);
});

it('the number of clusters that are not watched costs no memory', () => {
  const contextOf = contextsByName(new Map(), createLogger('test', 'silent'));
  const contexts = new Set(Array.from({ length: 400 }, (_, number) => contextOf(`cluster-${number}`)));
  expect(contexts.size).toBe(1);
});
