import type { ObjectVersion } from '@sonde/model/policy/history/object-version';
import pino from 'pino';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openChdbStore } from '../chdb/chdb-store.js';
import { clusterObjects, clusterObjectsTable, confirmObjects, latestObjects } from './cluster-objects.js';
import type { FlowStore } from '../store.js';

let directory: string;
let store: FlowStore;

beforeEach(async () => {
  directory = temporaryDirectory('objects');
  store = await openChdbStore({ directory, log: pino({ level: 'silent' }), retentionDays: 30 });
  await store.migrate();
});

afterEach(async () => {
  await store.close();
});

const POLICY: ObjectVersion = {
  cluster: 'main',
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  namespace: 'shop',
  name: 'web',
  version: '1',
  changedAtMs: Date.parse('2026-01-01T00:00:00.123Z'),
  deleted: false,
  changedBy: 'kubectl',
  manifest: '{"quote":"it\'s \\"so\\"","lines":"a\\nb\\\\"}',
};

async function stored(sql: string): Promise<unknown[]> {
  return store.query(sql);
}

const sorted = 'ORDER BY name, changed_at';

describe('the table of object versions', () => {
  it('returns versions as they were inserted', async () => {
    await store.insertRows(clusterObjects, [POLICY, { ...POLICY, name: 'db', deleted: true }]);
    expect(await stored(`SELECT * EXCEPT seen_at FROM ${clusterObjectsTable} ${sorted}`)).toEqual([
      expect.objectContaining({ name: 'db', deleted: true }),
      {
        cluster: 'main',
        api_version: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        namespace: 'shop',
        name: 'web',
        version: '1',
        changed_at: '2026-01-01 00:00:00.123',
        deleted: false,
        changed_by: 'kubectl',
        manifest: POLICY.manifest,
      },
    ]);
  });

  it('keeps one row of a version that several writers insert', async () => {
    await store.insertRows(clusterObjects, [POLICY]);
    await store.insertRows(clusterObjects, [POLICY]);
    await confirmObjects(store, 'main');
    expect(await stored(`SELECT version FROM ${clusterObjectsTable} FINAL`)).toEqual([{ version: '1' }]);
  });

  it('has as current version the latest one, unless the object is deleted', async () => {
    const later = { ...POLICY, version: '2', changedAtMs: POLICY.changedAtMs + 1 };
    await store.insertRows(clusterObjects, [
      POLICY,
      { ...POLICY, cluster: 'other' },
      { ...POLICY, name: 'db' },
    ]);
    await store.insertRows(clusterObjects, [later, { ...later, name: 'db', deleted: true }]);
    const current = `SELECT name, version FROM ${latestObjects("cluster = 'main'")} ${sorted}`;
    expect(await stored(current)).toEqual([{ name: 'web', version: '2' }]);
    const before = latestObjects("cluster = 'main' AND changed_at <= '2026-01-01 00:00:00.123'");
    expect(await stored(`SELECT name, version FROM ${before} ${sorted}`)).toEqual([
      { name: 'db', version: '1' },
      { name: 'web', version: '1' },
    ]);
  });

  it('keeps confirmed versions however old they are', async () => {
    await store.insertRows(clusterObjects, [POLICY]);
    const [table] = await store.query<{ engine_full: string }>(
      `SELECT engine_full FROM system.tables WHERE name = '${clusterObjectsTable}'`,
    );
    expect(table?.engine_full).toContain('TTL toDateTime(seen_at) + toIntervalDay(30)');
    expect(await stored(`SELECT version FROM ${clusterObjectsTable}`)).toEqual([{ version: '1' }]);
  });
});
