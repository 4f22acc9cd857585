import { text } from 'node:stream/consumers';
import { createLogger } from '@sonde/backbone/logging';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse/clickhouse-store';
import {
  type FlowStore,
  type RecordBlock,
  StoreError,
  WriterReplacedError,
} from '@sonde/backbone/store/store';
import { enrichedDns } from '../builders/dns.js';
import { type FlowRow, enrichedFlows } from '../builders/enriched-flows.js';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Fault, type FaultProxy, startFaultProxy } from './fault-proxy.js';
import { startTestClickHouse, type TestClickHouse } from './server.js';

// A busy machine may take many times as long; nothing here waits for time to pass.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const log = createLogger('test', 'silent');
const NOON = Date.parse('2026-03-01T12:00:00.000Z');
const NEXT_DAY = NOON + 86_400_000;

let server: TestClickHouse;
let proxy: FaultProxy;
let store: FlowStore;
const opened: FlowStore[] = [];

beforeAll(async () => {
  server = await startTestClickHouse();
  proxy = await startFaultProxy(server.url);
  const migrating = open(server.url);
  await migrating.migrate();
  await migrating.migrate();
});

afterAll(async () => {
  await proxy.close();
  await server.close();
});

beforeEach(async () => {
  for (const table of ['flows', 'dns', 'progress']) await server.command(`TRUNCATE TABLE ${table}`);
  store = open(proxy.url);
  await store.acquirePartitions([0, 1]);
});

afterEach(async () => {
  proxy.heal();
  await proxy.settled();
  for (const one of opened.splice(0)) await one.close();
});

function open(url: string, options: { compression?: boolean; urls?: string[] } = {}): FlowStore {
  const one = openClickHouseStore({ ...server, urls: [url], ...options, log, requestTimeoutMs: 120_000 });
  opened.push(one);
  return one;
}

/** Flows of some offsets of partition 0, two of each, on two days. */
function block(...offsets: readonly number[]) {
  const rows = offsets.flatMap((transport_offset): FlowRow[] => [
    { start_time: NOON + transport_offset, transport_offset },
    { start_time: NEXT_DAY + transport_offset, transport_offset },
  ]);
  return { flows: enrichedFlows(rows), dns: enrichedDns(rows) };
}

/** How often each offset is stored, as `flows+dns`: 2+2 is right. */
async function stored(): Promise<Record<string, string>> {
  const rows = await open(server.url).query<{ offset: string; rows: string }>(
    `SELECT transport_offset AS offset, concat(toString(countIf(t = 'flows')), '+', toString(countIf(t = 'dns'))) AS rows
     FROM (SELECT transport_offset, 'flows' AS t FROM flows UNION ALL SELECT transport_offset, 'dns' FROM dns)
     GROUP BY offset ORDER BY offset`,
  );
  return Object.fromEntries(rows.map(({ offset, rows }) => [offset, rows]));
}

/** Inserts a block as an enricher does: until the store takes it. */
async function insertUntilStored(one: FlowStore, records: RecordBlock): Promise<number> {
  for (let attempt = 1; ; attempt++) {
    try {
      await one.insert(records);
      return attempt;
    } catch (error) {
      if (!(error instanceof StoreError) || attempt === 5) throw error;
    }
  }
}

describe('a block', () => {
  it('comes back as it was written, whatever the type of field', async () => {
    const row: FlowRow = {
      start_time: NOON + 1,
      src_ip: '10.0.1.1',
      dst_ip: '2001:db8::1',
      dst_port: 443,
      bytes_out: 5_000_000_000,
      connections_started: 4_294_967_295,
      primary: true,
      action: 'deny',
      src_labels: `app=web,"quoted"='x',back\\slash=1,tab\t=\n`,
      src_namespace: 'größe',
      transport_offset: Number.MAX_SAFE_INTEGER,
    };
    await store.insert({ flows: enrichedFlows([row]) });
    expect(await store.query(`SELECT ${Object.keys(row).join(', ')} FROM flows`)).toEqual([
      {
        ...row,
        start_time: '2026-03-01 12:00:00.001',
        src_ip: '::ffff:10.0.1.1',
        bytes_out: '5000000000',
        transport_offset: '9007199254740991',
      },
    ]);
  });

  it('is one part a day, however large it is', async () => {
    const rows = 150_000;
    const flows = enrichedFlows(Array.from({ length: rows }, () => ({})));
    flows.columns.start_time.fill(BigInt(NOON));
    for (let row = 0; row < rows; row++) flows.columns.bytes_in[row] = BigInt(row * 7919);
    await store.insert({ flows });
    const parts = `SELECT rows FROM system.parts WHERE database = {database:String} AND table = 'flows' AND active`;
    expect(await store.query(parts, { database: server.database })).toEqual([{ rows: String(rows) }]);
  });

  it('travels compressed if asked for', async () => {
    const compressing = open(server.url, { compression: true });
    await compressing.acquirePartitions([0]);
    await compressing.insert(block(1));
    expect(await compressing.query('SELECT count() AS flows FROM flows')).toEqual([{ flows: '2' }]);
  });

  it('of a partition that was not claimed is refused', async () => {
    const unclaimed = { flows: enrichedFlows([{ transport_partition: 7 }]) };
    await expect(store.insert(unclaimed)).rejects.toThrow('partition 7 is written without a claim');
  });
});

describe('exactly once: a block', () => {
  const faults: readonly [what: string, fault: Fault][] = [
    ['is refused', { kind: 'refused' }],
    ['is cut in the middle', { kind: 'cut' }],
    ['is stored but not answered', { kind: 'unanswered' }],
    ['meets too many parts', { kind: 'error', code: 252, message: 'Too many parts' }],
    ['meets a server without memory', { kind: 'error', code: 241, message: 'Memory limit exceeded' }],
  ];
  it.each(
    faults.flatMap(([what, fault]) => ['progress', 'dns', 'flows'].map((table) => ({ what, fault, table }))),
  )('that $what when it is written to $table', async ({ fault, table }) => {
    await store.insert(block(1, 2));
    proxy.fault(fault, `INSERT INTO ${table}`);
    expect(await insertUntilStored(store, block(3, 4))).toBe(2);
    await store.insert(block(5));
    expect(await stored()).toEqual({ 1: '2+2', 2: '2+2', 3: '2+2', 4: '2+2', 5: '2+2' });
  });

  it('that goes on in the server after its writer gave it up', async () => {
    // Long enough for what is not delayed, on a busy machine too.
    const slow = openClickHouseStore({ ...server, urls: [proxy.url], log, requestTimeoutMs: 5_000 });
    opened.push(slow);
    await slow.acquirePartitions([0]);
    proxy.fault({ kind: 'slow', delayMs: 7_000 }, 'INSERT INTO flows');
    await insertUntilStored(slow, block(1));
    await proxy.settled();
    expect(await stored()).toEqual({ 1: '2+2' });
  });

  it('whose first sending reaches the server long after it was stored', async () => {
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    proxy.fault({ kind: 'late', until }, 'INSERT INTO flows');
    expect(await insertUntilStored(store, block(1))).toBe(2);
    release();
    await proxy.settled();
    expect(await stored()).toEqual({ 1: '2+2' });
  });

  it("of which a server's crash left one day", async () => {
    const { flows } = block(1);
    await store.insert({ flows });
    await server.command("DELETE FROM flows WHERE toDate(start_time) = '2026-03-02'");
    const next = open(server.url);
    expect((await next.acquirePartitions([0])).get(0)?.storedTo).toBe(-1);
    await next.insert({ flows });
    expect(await stored()).toEqual({ 1: '2+0' });
  });
});

describe('a partition that changes hands', () => {
  it('goes on behind what is known to be stored, and what was stored beyond is not doubled', async () => {
    await store.insert(block(0, 1));
    await store.insert(block(2, 3));
    const next = open(server.url);
    // Whoever wrote the last block has not yet said that it is stored.
    expect(await next.acquirePartitions([0, 1])).toEqual(
      new Map([
        [0, { storedTo: 1, streams: [] }],
        [1, { storedTo: -1, streams: [] }],
      ]),
    );
    await next.insert(block(2));
    await next.insert(block(3, 4, 5));
    expect(await stored()).toEqual({ 0: '2+2', 1: '2+2', 2: '2+2', 3: '2+2', 4: '2+2', 5: '2+2' });
  });

  it('goes on with the streams as they were behind what is known to be stored', async () => {
    const sent = (stream: string, position: number) => ({ partition: 0, source: { stream, position } });
    await store.insert({ ...block(0, 1, 2), messages: [sent('a', 0), sent("b'", 4), sent('a', 1)] });
    await store.insert({ ...block(3), messages: [sent('a', 2)] });
    const next = open(server.url);
    // That the last block is stored, nobody has said: its message comes again, and is no repeated one.
    const known = new Map([
      ["b'", 5],
      ['a', 2],
    ]);
    expect((await next.acquirePartitions([0])).get(0)).toEqual({ storedTo: 2, streams: [...known] });
    await next.insert({ ...block(3, 4), messages: [sent('a', 2), sent('c', 0)] });
    await next.insert({ ...block(5), messages: [sent('c', 1)] });
    const third = open(server.url);
    expect([...((await third.acquirePartitions([0])).get(0)?.streams ?? [])]).toEqual([
      ...known.set('a', 3),
      ['c', 1],
    ]);
  });

  it('knows how far the streams came though what was noted of them was refused at times', async () => {
    const sent = (stream: string, position: number) => ({ partition: 0, source: { stream, position } });
    await store.insert({ ...block(0), messages: [sent('a', 0)] });
    await store.insert({ ...block(1), messages: [sent('b', 7)] });
    proxy.fault({ kind: 'refused' }, 'INSERT INTO progress');
    await insertUntilStored(store, { ...block(2), messages: [sent('a', 1)] });
    await store.insert({ ...block(3), messages: [sent('a', 2)] });
    const next = open(server.url);
    const { storedTo, streams = [] } = (await next.acquirePartitions([0])).get(0) ?? {};
    expect({ storedTo, streams: Object.fromEntries(streams) }).toEqual({
      storedTo: 2,
      streams: { a: 2, b: 8 },
    });
  });

  it('is closed to its former writer', async () => {
    await store.insert(block(1));
    const next = open(server.url);
    await next.acquirePartitions([0]);
    await expect(store.insert(block(2))).rejects.toThrow(WriterReplacedError);
    const other = enrichedFlows([{ transport_partition: 1, transport_offset: 1, start_time: NOON }]);
    await store.insert({ flows: other });
    expect(await stored()).toEqual({ 1: '3+2' });
  });

  it('is closed to an insert that its former writer sent before and that comes late', async () => {
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    proxy.fault({ kind: 'late', until }, 'INSERT INTO dns');
    await expect(store.insert(block(1))).rejects.toThrow(StoreError);
    const next = open(server.url);
    await next.acquirePartitions([0]);
    await next.insert(block(1));
    release();
    await proxy.settled();
    expect(await stored()).toEqual({ 1: '2+2' });
  });

  it('can come back', async () => {
    const next = open(server.url);
    await next.acquirePartitions([0]);
    await next.insert(block(1));
    expect((await store.acquirePartitions([0])).get(0)?.storedTo).toBe(-1);
    await store.insert(block(1, 2));
    await store.insert(block(3));
    expect(await stored()).toEqual({ 1: '2+2', 2: '2+2', 3: '2+2' });
    await expect(next.insert(block(4))).rejects.toThrow(WriterReplacedError);
  });

  it('has one writer when several claim it at once', async () => {
    const writers = Array.from({ length: 5 }, () => open(server.url));
    await Promise.all(writers.map((writer) => writer.acquirePartitions([0])));
    const outcomes = await Promise.allSettled(writers.map((writer) => writer.insert(block(1))));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await stored()).toEqual({ 1: '2+2' });
  });
});

describe('a query', () => {
  it('takes values apart from its text', async () => {
    const nasty = `'; DROP TABLE flows; -- \\' {x:String} \n\t é 日`;
    const rows = await store.query('SELECT {value:String} AS value, {list:Array(String)} AS list', {
      value: nasty,
      list: [nasty, ''],
    });
    expect(rows).toEqual([{ value: nasty, list: [nasty, ''] }]);
  });

  it('only reads', async () => {
    await expect(store.query('TRUNCATE TABLE flows')).rejects.toMatchObject({
      name: 'StoreError',
      engineCode: 164,
    });
  });

  it("fails with the engine's message and number", async () => {
    const failing = store.query('SELECT nothing FROM nowhere');
    await expect(failing).rejects.toMatchObject({
      engineCode: 60,
      message: expect.stringContaining('nowhere') as string,
    });
  });

  it('is asked again when the network fails, of the next server if there is one', async () => {
    proxy.fault({ kind: 'refused' }, 'SELECT 1', 2);
    expect(await store.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const urls = ['http://127.0.0.1:1', server.url];
    const clustered = openClickHouseStore({ ...server, urls, cluster: 'sonde', log });
    opened.push(clustered);
    expect(await clustered.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('keeps to settings of its own', async () => {
    const limited = { settings: { max_result_rows: 10 } };
    await expect(store.query('SELECT * FROM numbers(11)', {}, limited)).rejects.toMatchObject({
      engineCode: 396,
    });
    expect(await store.query('SELECT count() AS n FROM numbers(11)')).toEqual([{ n: '11' }]);
  });

  it('is cancelled in the server when its caller has gone', async () => {
    const caller = new AbortController();
    const long = 'SELECT count() FROM numbers(5000000000) WHERE number % 7 = 3 SETTINGS max_threads = 1';
    const query = store.query(long, {}, { signal: caller.signal });
    const going = () =>
      store.query(`SELECT count() AS queries FROM system.processes
        WHERE query LIKE '%numbers(5000000000)%' AND query NOT LIKE '%system.processes%' AND NOT is_cancelled`);
    await expect.poll(going, { timeout: 120_000 }).toEqual([{ queries: '1' }]);
    caller.abort();
    await expect(query).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(going, { timeout: 120_000 }).toEqual([{ queries: '0' }]);
  });

  it('can be handed on as bytes', async () => {
    const stream = await store.queryStream('SELECT {a:String} AS a, 1 AS b', { a: 'x' }, 'CSVWithNames');
    expect(await text(stream)).toBe('"a","b"\n"x",1\n');
  });
});

describe('opening', () => {
  it('refuses servers of no cluster, and names that are none', () => {
    const urls = ['http://a:8123', 'http://b:8123'];
    expect(() => openClickHouseStore({ ...server, urls, log })).toThrow(/not the cluster that they are of/);
    const odd = { ...server, urls: [server.url], database: "x'; DROP" };
    expect(() => openClickHouseStore({ ...odd, log })).toThrow(/no name of a database/);
  });
});
