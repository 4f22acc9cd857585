import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
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

// A busy machine can take many times as long; no test waits for time to pass.
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

/** The stored rows of each offset as `flows+dns`; 2+2 is correct. */
async function stored(): Promise<Record<string, string>> {
  const rows = await open(server.url).query<{ offset: string; rows: string }>(
    `SELECT transport_offset AS offset, concat(toString(countIf(t = 'flows')), '+', toString(countIf(t = 'dns'))) AS rows
     FROM (SELECT transport_offset, 'flows' AS t FROM flows UNION ALL SELECT transport_offset, 'dns' FROM dns)
     GROUP BY offset ORDER BY offset`,
  );
  return Object.fromEntries(rows.map(({ offset, rows }) => [offset, rows]));
}

/** Inserts a block as an enricher does, with retries; returns the number of attempts. */
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
  it('returns fields of every type as they were inserted', async () => {
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

  it('becomes one part per day, however large it is', async () => {
    const rows = 150_000;
    const flows = enrichedFlows(Array.from({ length: rows }, () => ({})));
    flows.columns.start_time.fill(BigInt(NOON));
    for (let row = 0; row < rows; row++) flows.columns.bytes_in[row] = BigInt(row * 7919);
    await store.insert({ flows });
    const parts = `SELECT rows FROM system.parts WHERE database = {database:String} AND table = 'flows' AND active`;
    expect(await store.query(parts, { database: server.database })).toEqual([{ rows: String(rows) }]);
  });

  it('can be compressed', async () => {
    const compressing = open(server.url, { compression: true });
    await compressing.acquirePartitions([0]);
    await compressing.insert(block(1));
    expect(await compressing.query('SELECT count() AS flows FROM flows')).toEqual([{ flows: '2' }]);
  });

  it('of a partition that was not acquired is rejected', async () => {
    const unclaimed = { flows: enrichedFlows([{ transport_partition: 7 }]) };
    await expect(store.insert(unclaimed)).rejects.toThrow('partition 7 was not acquired before the insert');
  });
});

describe('a block is stored exactly once if the insert', () => {
  const faults: readonly [what: string, fault: Fault, attempts?: number][] = [
    ['is refused', { kind: 'refused' }],
    ['is cut in the middle', { kind: 'cut' }],
    ['is executed but the connection closes before the response', { kind: 'unanswered' }],
    ['is executed but the connection closes amid the response', { kind: 'cut response' }],
    ['is executed twice', { kind: 'duplicated' }, 1],
    ['fails with too many parts', { kind: 'error', code: 252, message: 'Too many parts' }],
    ['fails for lack of memory', { kind: 'error', code: 241, message: 'Memory limit exceeded' }],
  ];
  it.each(
    faults.flatMap(([what, fault, attempts = 2]) =>
      ['progress', 'dns', 'flows'].map((table) => ({ what, fault, attempts, table })),
    ),
  )('$what, into $table', async ({ fault, attempts, table }) => {
    await store.insert(block(1, 2));
    proxy.fault(fault, `INSERT INTO ${table}`);
    expect(await insertUntilStored(store, block(3, 4))).toBe(attempts);
    await store.insert(block(5));
    expect(await stored()).toEqual({ 1: '2+2', 2: '2+2', 3: '2+2', 4: '2+2', 5: '2+2' });
  });

  it('continues on the server after its client timed out', async () => {
    // Long enough for the other requests on a busy machine.
    const slow = openClickHouseStore({ ...server, urls: [proxy.url], log, requestTimeoutMs: 5_000 });
    opened.push(slow);
    await slow.acquirePartitions([0]);
    proxy.fault({ kind: 'slow', delayMs: 7_000 }, 'INSERT INTO flows');
    await insertUntilStored(slow, block(1));
    await proxy.settled();
    expect(await stored()).toEqual({ 1: '2+2' });
  });

  it('first reaches the server after its retry was stored', async () => {
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => (release = resolve));
    proxy.fault({ kind: 'late', until }, 'INSERT INTO flows');
    expect(await insertUntilStored(store, block(1))).toBe(2);
    release();
    await proxy.settled();
    expect(await stored()).toEqual({ 1: '2+2' });
  });

  it('was stored only for one day before the server crashed', async () => {
    const { flows } = block(1);
    await store.insert({ flows });
    await server.command("DELETE FROM flows WHERE toDate(start_time) = '2026-03-02'");
    const next = open(server.url);
    expect((await next.acquirePartitions([0])).get(0)?.storedTo).toBe(-1);
    await next.insert({ flows });
    expect(await stored()).toEqual({ 1: '2+0' });
  });
});

it('an insert whose renewal of the epoch gets only cut results fails with a StoreError, and can be retried', async () => {
  await store.insert(block(1));
  proxy.fault({ kind: 'unanswered' }, 'INSERT INTO flows');
  await expect(store.insert(block(2))).rejects.toThrow(StoreError);
  proxy.fault({ kind: 'cut response' }, 'AS ownEpoch', 3);
  await expect(store.insert(block(2))).rejects.toThrow(StoreError);
  await store.insert(block(2));
  expect(await stored()).toEqual({ 1: '2+2', 2: '2+2' });
});

describe('a partition with a new writer', () => {
  it('resumes after the stored offset and does not duplicate later rows that are stored', async () => {
    await store.insert(block(0, 1));
    await store.insert(block(2, 3));
    const next = open(server.url);
    // That the last block is stored was not recorded yet.
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

  it('resumes with the stream positions of the stored offset', async () => {
    const sent = (stream: string, position: number) => ({ partition: 0, source: { stream, position } });
    await store.insert({ ...block(0, 1, 2), messages: [sent('a', 0), sent("b'", 4), sent('a', 1)] });
    await store.insert({ ...block(3), messages: [sent('a', 2)] });
    const next = open(server.url);
    // That the last block is stored was not recorded: its message is delivered again and is not a duplicate.
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

  it('knows the stream positions although recording them failed at times', async () => {
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

  it('rejects blocks of its former writer', async () => {
    await store.insert(block(1));
    const next = open(server.url);
    await next.acquirePartitions([0]);
    await expect(store.insert(block(2))).rejects.toThrow(WriterReplacedError);
    const other = enrichedFlows([{ transport_partition: 1, transport_offset: 1, start_time: NOON }]);
    await store.insert({ flows: other });
    expect(await stored()).toEqual({ 1: '3+2' });
  });

  it('rejects a delayed insert of its former writer', async () => {
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

  it('can return to its former writer', async () => {
    const next = open(server.url);
    await next.acquirePartitions([0]);
    await next.insert(block(1));
    expect((await store.acquirePartitions([0])).get(0)?.storedTo).toBe(-1);
    await store.insert(block(1, 2));
    await store.insert(block(3));
    expect(await stored()).toEqual({ 1: '2+2', 2: '2+2', 3: '2+2' });
    await expect(next.insert(block(4))).rejects.toThrow(WriterReplacedError);
  });

  it('has one writer when several acquire it at once', async () => {
    const writers = Array.from({ length: 5 }, () => open(server.url));
    await Promise.all(writers.map((writer) => writer.acquirePartitions([0])));
    const outcomes = await Promise.allSettled(writers.map((writer) => writer.insert(block(1))));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await stored()).toEqual({ 1: '2+2' });
  });
});

describe('a query', () => {
  it('has parameters that are never parsed as SQL', async () => {
    const nasty = `'; DROP TABLE flows; -- \\' {x:String} \n\t é 日`;
    const rows = await store.query('SELECT {value:String} AS value, {list:Array(String)} AS list', {
      value: nasty,
      list: [nasty, ''],
    });
    expect(rows).toEqual([{ value: nasty, list: [nasty, ''] }]);
  });

  it('can only read', async () => {
    await expect(store.query('TRUNCATE TABLE flows')).rejects.toMatchObject({
      name: 'StoreError',
      engineCode: 164,
    });
  });

  it("fails with the engine's message and error code", async () => {
    const failing = store.query('SELECT nothing FROM nowhere');
    await expect(failing).rejects.toMatchObject({
      engineCode: 60,
      message: expect.stringContaining('nowhere') as string,
    });
  });

  it('is retried when the network fails, on the next server if there is one', async () => {
    proxy.fault({ kind: 'refused' }, 'SELECT 1', 2);
    expect(await store.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    const urls = ['http://127.0.0.1:1', server.url];
    const clustered = openClickHouseStore({ ...server, urls, cluster: 'sonde', log });
    opened.push(clustered);
    expect(await clustered.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('is retried when the connection closes in the middle of the result', async () => {
    const { faults } = proxy;
    proxy.fault({ kind: 'cut response' }, 'SELECT number', 2);
    const rows = await store.query('SELECT number FROM numbers(10000)');
    expect(rows).toHaveLength(10_000);
    expect(proxy.faults).toBe(faults + 2);
  });

  it('fails with a StoreError when every result is cut or is not JSON', async () => {
    proxy.fault({ kind: 'cut response' }, 'SELECT 1', 3);
    await expect(store.query('SELECT 1')).rejects.toThrow(StoreError);
    await expect(store.query("SELECT 'x' FORMAT TSVRaw --")).rejects.toThrow(StoreError);
  });

  it('rejects with the abort reason when it is aborted between two attempts', async () => {
    const caller = new AbortController();
    const { faults } = proxy;
    proxy.fault({ kind: 'refused' }, 'SELECT 1', 2);
    const reason = new Error('client disconnected');
    const query = store.query('SELECT 1', {}, { signal: caller.signal });
    await expect.poll(() => proxy.faults).toBeGreaterThan(faults);
    caller.abort(reason);
    await expect(query).rejects.toBe(reason);
  });

  it('does not crash the process when its stream fails before it is read', async () => {
    proxy.fault({ kind: 'cut response' }, 'SELECT number');
    const stream = await store.queryStream('SELECT number FROM numbers(10000)', {}, 'CSVWithNames');
    await setTimeout(100);
    await expect(text(stream)).rejects.toThrow(/aborted/);
  });

  it('has its own settings', async () => {
    const limited = { settings: { max_result_rows: 10 } };
    await expect(store.query('SELECT * FROM numbers(11)', {}, limited)).rejects.toMatchObject({
      engineCode: 396,
    });
    expect(await store.query('SELECT count() AS n FROM numbers(11)')).toEqual([{ n: '11' }]);
  });

  it('is canceled on the server when it is aborted', async () => {
    const caller = new AbortController();
    const long = 'SELECT count() FROM numbers(5000000000) WHERE number % 7 = 3 SETTINGS max_threads = 1';
    const query = store.query(long, {}, { signal: caller.signal });
    const running = () =>
      store.query(`SELECT count() AS queries FROM system.processes
        WHERE query LIKE '%numbers(5000000000)%' AND query NOT LIKE '%system.processes%' AND NOT is_cancelled`);
    await expect.poll(running, { timeout: 120_000 }).toEqual([{ queries: '1' }]);
    caller.abort();
    await expect(query).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(running, { timeout: 120_000 }).toEqual([{ queries: '0' }]);
  });

  it('can be streamed in another format', async () => {
    const stream = await store.queryStream('SELECT {a:String} AS a, 1 AS b', { a: 'x' }, 'CSVWithNames');
    expect(await text(stream)).toBe('"a","b"\n"x",1\n');
  });
});

describe('opening', () => {
  it('rejects several servers without a cluster, and invalid names', () => {
    const urls = ['http://a:8123', 'http://b:8123'];
    expect(() => openClickHouseStore({ ...server, urls, log })).toThrow(/without a cluster/);
    const odd = { ...server, urls: [server.url], database: "x'; DROP" };
    expect(() => openClickHouseStore({ ...odd, log })).toThrow(/not a valid name of a database/);
  });
});
