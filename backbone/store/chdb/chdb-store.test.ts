import { readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { enrichedDns, type WrittenDnsRow } from '@sonde/test/builders/dns';
import { dnsFields } from '@sonde/model/dns/fields';
import { type FlowRow, enrichedFlows } from '@sonde/test/builders/enriched-flows';
import type { FieldType } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';
import { createChdbConnection } from 'chdb/connection';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { openChdbStore } from './chdb-store.js';
import { useTemporaryStore } from '@sonde/test/fixtures/temporary-store';
import { StoreError } from '../store.js';

const log = pino({ level: 'silent' });
const NOON = Date.parse('2026-03-01T12:00:00.000Z');
const NEXT_DAY = NOON + 86_400_000;

const temporary = useTemporaryStore();
const { insert, offsetsInOrder, spooledBlocks } = temporary;

/** Runs a statement on another connection, which may also write. */
async function command(sql: string): Promise<void> {
  const connection = createChdbConnection({ path: path.join(temporary.directory, 'chdb') });
  await connection.command({ query: sql });
  await connection.close();
}

it('merges many parts at once, also in tables that an older version created', async () => {
  await command('ALTER TABLE flows RESET SETTING merge_selector_base');
  await temporary.reopen();
  await temporary.store.migrate();
  const tables = await temporary.store.query<{ name: string; merges: number }>(
    `SELECT name, engine_full LIKE '%merge_selector_base = 12%' AS merges FROM system.tables
      WHERE database = currentDatabase() AND name IN ('flows', 'dns') ORDER BY name`,
  );
  expect(tables).toEqual([
    { name: 'dns', merges: 1 },
    { name: 'flows', merges: 1 },
  ]);
});

describe('every field', () => {
  it('is returned as it was inserted', async () => {
    const row: FlowRow = {
      start_time: NOON + 1,
      end_time: NOON + 4_999,
      cluster: 'prod',
      node: 'node-a',
      reporter: 'both',
      primary: true,
      sampling: 1,
      src_ip: '10.0.1.1',
      dst_ip: '2001:db8::1',
      src_port: 65_535,
      dst_port: 443,
      protocol: 255,
      icmp_type: 8,
      icmp_code: 3,
      bytes_out: 1,
      packets_out: 2,
      bytes_in: 3,
      packets_in: 4,
      connections_started: 5,
      connections_completed: 4_294_967_295,
      tcp_flags: 0x1ff,
      connection_state: 'stateless',
      rtt_us: 6,
      rtt_min_us: 7,
      connect_us: 8,
      retransmits: 9,
      dropped_packets: 10,
      dropped_bytes: 11,
      drop_reason: 'NETFILTER_DROP',
      tls_server_name: 'www.example.com',
      vlan: 4095,
      tunnel: 'geneve',
      tunnel_id: 16_777_215,
      src_kind: 'network_set',
      src_namespace: 'größe',
      src_name: '日本語',
      src_labels: `app=web,"quoted"='x',back\\slash=1,tab\t=\n`,
      src_address_class: 'private',
      dst_kind: 'pod',
      dst_address_class: 'unique_local',
      dst_domain: 'api.example.com',
      dst_service_ip: '10.96.0.10',
      dst_service_port: 8443,
      action: 'unknown',
      policies: 'tier|policy|allow',
      evidence: 'unanswered',
      contradiction: true,
      transport_partition: 4_294_967_295,
      transport_offset: Number.MAX_SAFE_INTEGER,
    };
    await insert(row);

    const unset: Partial<Record<FieldType, unknown>> = { ip: '::', string: '', boolean: false, uint64: '0' };
    const empty = Object.fromEntries(
      flowFields.map((field) => [
        field.name,
        field.type === 'enumeration' ? field.values[0] : (unset[field.type] ?? 0),
      ]),
    );
    const [stored] = await temporary.store.query<Record<string, unknown>>('SELECT * FROM flows');
    expect(stored).toEqual({
      ...empty,
      ...row,
      start_time: '2026-03-01 12:00:00.001',
      end_time: '2026-03-01 12:00:04.999',
      src_ip: '::ffff:10.0.1.1',
      dst_service_ip: '::ffff:10.96.0.10',
      bytes_out: '1',
      packets_out: '2',
      bytes_in: '3',
      packets_in: '4',
      dropped_packets: '10',
      dropped_bytes: '11',
      transport_offset: '9007199254740991',
    });
  });

  it('keeps all 64 bits of a counter', async () => {
    const values = [0n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];
    const flows = enrichedFlows(values.map((_, i) => ({ start_time: NOON + i })));
    flows.columns.bytes_out.set(values);
    await temporary.store.insert({ flows });
    const rows = await temporary.store.query<{ bytes_out: string }>(
      'SELECT bytes_out FROM flows ORDER BY start_time',
    );
    expect(rows.map((row) => BigInt(row.bytes_out))).toEqual(values);
  });

  it('accepts a dictionary with unused, repeated and empty entries', async () => {
    const flows = enrichedFlows([{ start_time: NOON }, { start_time: NOON + 1 }, { start_time: NOON + 2 }]);
    const shared = ['', 'a', 'unused', 'a', 'b', ''];
    const columns = {
      ...flows.columns,
      src_name: { dictionary: shared, indexes: Uint32Array.of(1, 3, 5) },
      dst_name: { dictionary: shared, indexes: Uint32Array.of(4, 0, 1) },
      src_zone: { dictionary: ['z'], indexes: new Uint32Array(3) },
      dst_zone: { dictionary: ['\ud800', '\udfff'], indexes: Uint32Array.of(0, 1, 0) },
    };
    await temporary.store.insert({ flows: { rows: 3, columns } });
    const rows = await temporary.store.query(
      'SELECT src_name, dst_name, src_zone, dst_zone FROM flows ORDER BY start_time',
    );
    expect(rows).toEqual([
      { src_name: 'a', dst_name: 'b', src_zone: 'z', dst_zone: '\ufffd' },
      { src_name: 'a', dst_name: '', src_zone: 'z', dst_zone: '\ufffd' },
      { src_name: '', dst_name: 'a', src_zone: 'z', dst_zone: '\ufffd' },
    ]);
  });
});

describe('an insert', () => {
  it('makes one part per day, however many rows and days it has', async () => {
    const days = 120;
    const flows = enrichedFlows(Array.from({ length: days }, () => ({})));
    for (let day = 0; day < days; day++) flows.columns.start_time[day] = BigInt(NOON + day * 86_400_000);
    await temporary.store.insert({ flows });
    const [parts] = await temporary.store.query(`SELECT count() AS parts, uniqExact(partition) AS days
      FROM system.parts WHERE table = 'flows' AND active`);
    expect(parts).toEqual({ parts: '120', days: '120' });
  });

  it('makes one part even for a very large block, so that it is stored completely or not at all', async () => {
    const rows = 300_000;
    const flows = enrichedFlows(Array.from({ length: rows }, () => ({})));
    flows.columns.start_time.fill(BigInt(NOON));
    for (let row = 0; row < rows; row++) flows.columns.bytes_in[row] = BigInt(row * 7919);
    await temporary.store.insert({ flows });
    const parts = await temporary.store.query("SELECT rows FROM system.parts WHERE table = 'flows'");
    expect(parts).toEqual([{ rows: String(rows) }]);
  });

  it('of no rows does nothing', async () => {
    await insert();
    expect(await temporary.store.query('SELECT count() AS rows FROM flows')).toEqual([{ rows: '0' }]);
  });

  it('leaves nothing in the spool', async () => {
    await Promise.all([0, 1, 2].map((offset) => insert({ start_time: NOON, transport_offset: offset })));
    expect(await offsetsInOrder()).toEqual(['0', '1', '2']);
    expect(await spooledBlocks()).toEqual([]);
  });

  it('rejects a column of another length, naming it', async () => {
    const flows = enrichedFlows([{}, {}]);
    const columns = { ...flows.columns, dst_port: new Uint16Array(1) };
    await expect(temporary.store.insert({ flows: { rows: 2, columns } })).rejects.toThrow(
      new RangeError('column dst_port has 1 rows instead of 2'),
    );
  });

  it('rejects an index beyond the dictionary', async () => {
    const flows = enrichedFlows([{}]);
    const columns = { ...flows.columns, src_name: { dictionary: ['a'], indexes: Uint32Array.of(1) } };
    await expect(temporary.store.insert({ flows: { rows: 1, columns } })).rejects.toThrow(RangeError);
  });

  it('that failed can be repeated without duplicates of the rows that were stored', async () => {
    const block = [
      { start_time: NOON, transport_offset: 7 },
      { start_time: NEXT_DAY, transport_offset: 7 },
    ];
    await command('RENAME TABLE flows TO hidden');
    await expect(insert(...block)).rejects.toThrow(StoreError);
    await expect(insert(...block)).rejects.toThrow(/flows/);
    await command('RENAME TABLE hidden TO flows');

    await insert(...block);
    await insert({ start_time: NOON, transport_offset: 8 });
    expect(await offsetsInOrder()).toEqual(['7', '7', '8']);
    expect(await spooledBlocks()).toEqual([]);
  });
});

describe('DNS lookups', () => {
  const lookup: WrittenDnsRow = {
    start_time: NOON + 1,
    cluster: 'prod',
    node: 'node-a',
    primary: true,
    src_ip: '10.0.1.1',
    src_port: 40_000,
    src_kind: 'pod',
    src_name: 'web-0',
    dst_ip: 'fd00::53',
    protocol: 17,
    query_name: 'api.example.com',
    query_type: 'TYPE65280',
    answered: false,
    rcode: 'NONE',
    latency_us: 4_294_967_295,
    answers: '203.0.113.10,2001:db8::10',
    answer_ttl_s: 300,
    transport_partition: 2,
    transport_offset: 7,
  };

  it('are returned as they were inserted, field by field', async () => {
    await temporary.store.insert({ dns: enrichedDns([lookup]) });
    const unset: Partial<Record<FieldType, unknown>> = { string: '' };
    const empty = Object.fromEntries(dnsFields.map(({ name, type }) => [name, unset[type]]));
    expect(await temporary.store.query('SELECT * FROM dns')).toEqual([
      {
        ...empty,
        ...lookup,
        start_time: '2026-03-01 12:00:00.001',
        src_ip: '::ffff:10.0.1.1',
        transport_offset: '7',
      },
    ]);
  });

  it('count for the highest offset, as flows do', async () => {
    const at = (transport_partition: number, transport_offset: number) => ({
      start_time: NOON,
      transport_partition,
      transport_offset,
    });
    await temporary.store.insert({
      flows: enrichedFlows([at(0, 5), at(1, 9)]),
      dns: enrichedDns([at(0, 6), at(2, 1)]),
    });
    expect(await temporary.store.highestOffsets()).toEqual(
      new Map([
        [0, 6],
        [1, 9],
        [2, 1],
      ]),
    );
  });

  it('whose insert failed are stored once when their block is repeated', async () => {
    const row = { start_time: NOON, transport_offset: 7 };
    const block = { flows: enrichedFlows([row, row]), dns: enrichedDns([row, row, row]) };
    await command('RENAME TABLE dns TO hidden');
    await expect(temporary.store.insert(block)).rejects.toThrow(/dns/);
    await command('RENAME TABLE hidden TO dns');
    await temporary.store.insert(block);
    expect(await counts()).toEqual({ flows: '2', dns: '3' });
    expect(await spooledBlocks()).toEqual([]);
  });

  async function counts(): Promise<unknown> {
    const [row] = await temporary.store.query(
      'SELECT (SELECT count() FROM flows) AS flows, (SELECT count() FROM dns) AS dns',
    );
    return row;
  }
});

describe('the store', () => {
  it('keeps flows across a restart', async () => {
    await insert({ start_time: NOON, transport_offset: 1 });
    await temporary.reopen();
    await temporary.store.migrate();
    expect(await offsetsInOrder()).toEqual(['1']);
  });

  it('returns the highest offset of each partition', async () => {
    expect(await temporary.store.highestOffsets()).toEqual(new Map());
    await insert(
      { start_time: NOON, transport_partition: 0, transport_offset: 41 },
      { start_time: NEXT_DAY, transport_partition: 0, transport_offset: 40 },
      { start_time: NOON, transport_partition: 7, transport_offset: Number.MAX_SAFE_INTEGER },
    );
    expect(await temporary.store.highestOffsets()).toEqual(
      new Map([
        [0, 41],
        [7, Number.MAX_SAFE_INTEGER],
      ]),
    );
  });

  it('rejects a directory that is in use, naming the process', async () => {
    await expect(openChdbStore({ directory: temporary.directory, log })).rejects.toThrow(
      `${temporary.directory} is in use by this process (${process.pid})`,
    );
  });

  it('reports a directory that cannot be created', async () => {
    const file = path.join(temporary.directory, 'file');
    await writeFile(file, '');
    await expect(openChdbStore({ directory: path.join(file, 'data'), log })).rejects.toMatchObject({
      name: 'StoreError',
      message: expect.stringContaining(file) as string,
    });
  });

  it('rejects a directory whose name the engine would read as a glob pattern', async () => {
    await expect(openChdbStore({ directory: `${temporary.directory}/a*b`, log })).rejects.toThrow(
      /must not contain/,
    );
  });

  it('finishes running inserts before it closes, and accepts none afterwards', async () => {
    const inserts = [0, 1, 2].map((offset) => insert({ start_time: NOON, transport_offset: offset }));
    await temporary.store.close();
    await Promise.all(inserts);
    await expect(insert({ start_time: NOON })).rejects.toThrow('the store is closed');
    await expect(temporary.store.query('SELECT 1')).rejects.toThrow('the store is closed');
    expect(await readdir(temporary.directory)).not.toContain('lock');
    await temporary.reopen();
    expect(await offsetsInOrder()).toEqual(['0', '1', '2']);
  });
});
