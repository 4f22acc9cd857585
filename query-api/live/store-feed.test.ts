import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { flowRow } from '@sonde/model/flow/records';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { LiveBlock } from './feed.js';
import { createStoreFeed } from './store-feed.js';

const log = createLogger('test', 'silent');

/** Timeout for asynchronous effects. */
const A_WHILE = { timeout: 30_000, interval: 20 };

let directory: string;
let store: FlowStore;
let offset = 0;

beforeAll(async () => {
  directory = temporaryDirectory('feed');
  store = await openChdbStore({ directory, log });
  await store.migrate();
});

afterAll(async () => {
  await store.close();
});

/** Stores flows as one batch with the next offset. */
async function stored(...rows: FlowRow[]): Promise<void> {
  offset += 1;
  const flows = rows.map((row) => ({ start_time: Date.now(), transport_offset: offset, ...row }));
  await store.insert({ flows: enrichedFlows(flows) });
}

/** A feed after its first poll, which determines its start. */
async function follow() {
  const feed = createStoreFeed({ store, log, pollMs: 50 });
  const blocks: LiveBlock[] = [];
  const names = () =>
    blocks.flatMap(({ flows }) =>
      flows ? Array.from({ length: flows.rows }, (_, row) => flowRow(flows.columns, row).src_name) : [],
    );
  const stop = feed.subscribe((block) => blocks.push(block));
  for (let tries = 0; blocks.length === 0; tries++) {
    await stored({ src_name: 'probe' });
    if (tries > 1000) throw new Error('the feed brings nothing');
  }
  blocks.length = 0;
  return { blocks, names, stop };
}

it('publishes each record of every partition once, in any order of time', async () => {
  await stored({ src_name: 'before' });
  const { names, stop } = await follow();
  await stored({ src_name: 'a' }, { src_name: 'b', start_time: Date.now() - 60_000 });
  await stored({ src_name: 'other', transport_partition: 3, transport_offset: 0 });
  await stored({ src_name: 'c' });
  await vi.waitUntil(() => names().includes('c') && names().includes('other'), A_WHILE);
  stop();
  expect(
    names()
      .filter((name) => name !== 'probe')
      .sort(),
  ).toEqual(['a', 'b', 'c', 'other']);
}, 60_000);

it('publishes records as they were stored', async () => {
  const { blocks, stop } = await follow();
  const row: FlowRow = {
    start_time: Date.now(),
    src_ip: '10.0.0.1',
    dst_ip: '2001:db8::1',
    src_name: 'whole',
    src_labels: 'app=web,ü=🙂',
    action: 'deny',
    dst_kind: 'service',
    primary: true,
    bytes_out: 2 ** 40,
    dst_port: 65_535,
    rtt_us: 2 ** 31,
    protocol: 255,
    transport_offset: ++offset,
  };
  const flows = enrichedFlows([row, { ...row, primary: false }, row]);
  await store.insert({ flows });
  const found = () =>
    blocks.find((block) => block.flows?.columns.src_name.dictionary.includes('whole'))?.flows;
  await vi.waitUntil(() => found() !== undefined, A_WHILE);
  stop();
  const { rows: count, columns } = found() ?? flows;
  // The record that was stored to detect the start of the feed can be in the same block.
  const rows = Array.from({ length: count }, (_, at) => flowRow(columns, at)).filter(
    ({ src_name }) => src_name === 'whole',
  );
  const bare = (one: object) => JSON.stringify(one);
  expect(rows.map(bare).sort()).toEqual([0, 1, 2].map((at) => bare(flowRow(flows.columns, at))).sort());
  expect(found()).not.toBe(flows);
}, 60_000);

it('publishes DNS lookups', async () => {
  const { blocks, stop } = await follow();
  await store.insert({
    dns: enrichedDns([{ start_time: Date.now(), query_name: 'a.test', transport_offset: 1_000_000 }]),
  });
  await vi.waitUntil(
    () => blocks.some(({ dns }) => dns?.columns.query_name.dictionary.includes('a.test') === true),
    A_WHILE,
  );
  stop();
}, 60_000);
