import path from 'node:path';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { createChdbConnection } from 'chdb/connection';
import pino from 'pino';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openChdbStore } from '../chdb/chdb-store.js';
import { type FlowStore, StoreError } from '../store.js';

const LONG_AGO = Date.parse('2020-01-01T00:00:00Z');

let directory: string;
let store: FlowStore;

beforeEach(async () => {
  directory = temporaryDirectory('migrations');
  store = await open();
  await store.migrate();
});

afterEach(async () => {
  await store.close();
});

function open(retentionDays?: number): Promise<FlowStore> {
  const log = pino({ level: 'silent' });
  return openChdbStore({ directory, log, ...(retentionDays !== undefined && { retentionDays }) });
}

async function migrateKeeping(retentionDays?: number): Promise<void> {
  await store.close();
  store = await open(retentionDays);
  await store.migrate();
}

/** Runs a statement on another connection, which may also write. */
async function command(sql: string): Promise<void> {
  const connection = createChdbConnection({ path: path.join(directory, 'chdb') });
  await connection.command({ query: sql });
  await connection.close();
}

async function columnType(name: string): Promise<string | undefined> {
  const sql = "SELECT type FROM system.columns WHERE table = 'flows' AND name = {name:String}";
  const [column] = await store.query<{ type: string }>(sql, { name });
  return column?.type;
}

describe('a migration', () => {
  it('is recorded and can be repeated without effect', async () => {
    const all = 'SELECT number, name, toString(applied_at) FROM migrations ORDER BY number';
    const before = await store.query(all);
    expect(before).toMatchObject([
      { number: 1, name: 'create flows' },
      { number: 2, name: 'create dns' },
      { number: 3, name: 'create cluster_objects' },
      { number: 4, name: 'create progress' },
      { number: 5, name: 'add progress.streams' },
    ]);
    await store.migrate();
    expect(await store.query(all)).toEqual(before);
  });

  it('continues after a crash', async () => {
    await command('TRUNCATE TABLE migrations');
    await store.migrate();
    expect(await store.query('SELECT number FROM migrations ORDER BY number')).toEqual([
      { number: 1 },
      { number: 2 },
      { number: 3 },
      { number: 4 },
      { number: 5 },
    ]);
  });

  it('of a store from before stream positions keeps the progress of its partitions', async () => {
    await command('ALTER TABLE progress DROP COLUMN streams');
    await command(`INSERT INTO progress (transport_partition, epoch, writer, stored_to, writing_to)
      VALUES (0, 0, '', 41, 41)`);
    await command('DELETE FROM migrations WHERE number = 5');
    await store.migrate();
    expect((await store.acquirePartitions([0])).get(0)).toMatchObject({ storedTo: 41 });
  });

  it('adds the column of a new field, with the default in older rows', async () => {
    await command('ALTER TABLE flows DROP COLUMN drop_reason');
    await command('INSERT INTO flows (transport_offset) SELECT 1');
    await store.migrate();
    await store.insert({ flows: enrichedFlows([{ transport_offset: 2, drop_reason: 'NETFILTER_DROP' }]) });
    expect(await store.query('SELECT drop_reason FROM flows ORDER BY transport_offset')).toEqual([
      { drop_reason: '' },
      { drop_reason: 'NETFILTER_DROP' },
    ]);
  });

  it('adds the new values of an enumeration', async () => {
    await command("ALTER TABLE flows MODIFY COLUMN reporter Enum8('src' = 0, 'dst' = 1)");
    await store.migrate();
    expect(await columnType('reporter')).toBe("Enum8('src' = 0, 'dst' = 1, 'both' = 2)");
  });

  it.each([
    ['sampling', 'UInt64'],
    ['reporter', "Enum8('source' = 0)"],
  ])('refuses a column %s of another type', async (name, type) => {
    await command(`ALTER TABLE flows MODIFY COLUMN ${name} ${type}`);
    await expect(store.migrate()).rejects.toThrow(`flows.${name} is stored as ${type}`);
  });

  it('rejects a store that a newer version has upgraded', async () => {
    await command("INSERT INTO migrations (number, name) SELECT 99, 'of the future'");
    const error = await store.migrate().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(StoreError);
    expect(String(error)).toContain('the store is at migration 99');
  });
});

describe('retention', () => {
  it('removes older flows', async () => {
    await migrateKeeping(30);
    await store.insert({ flows: enrichedFlows([{ start_time: LONG_AGO }, { start_time: Date.now() }]) });
    await command('OPTIMIZE TABLE flows FINAL');
    expect(await store.query('SELECT count() AS flows FROM flows')).toEqual([{ flows: '1' }]);
  });

  it('can be changed and removed', async () => {
    for (const [days, expected] of [
      [30, 'toIntervalDay(30)'],
      [7, 'toIntervalDay(7)'],
      [undefined, undefined],
    ] as const) {
      await migrateKeeping(days);
      const [table] = await store.query<{ engine_full: string }>(
        "SELECT engine_full FROM system.tables WHERE name = 'flows'",
      );
      expect(/toIntervalDay\(\d+\)/.exec(table?.engine_full ?? '')?.[0]).toBe(expected);
    }
  });

  it('that does not change causes no mutation', async () => {
    await migrateKeeping(30);
    await store.insert({ flows: enrichedFlows([{ start_time: Date.now() }]) });
    const mutations = "SELECT count() AS mutations FROM system.mutations WHERE table = 'flows'";
    const before = await store.query(mutations);
    await migrateKeeping(30);
    expect(await store.query(mutations)).toEqual(before);
  });
});
