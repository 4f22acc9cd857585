import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import { createLocalFeed } from '@sonde/query-api/live/feed';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { measureDashboards } from './dashboards.js';
import { measureFanOut } from './fan-out.js';
import { fillStore, manyFlows } from './many-flows.js';

/** What the query API can do: dashboards on ten million flows, and live views of many. */
export async function run(): Promise<Record<string, number>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-bench-api-'));
  const log = createLogger('bench', 'warn');
  const store = await openChdbStore({ directory, log });
  const live = createLocalFeed();
  try {
    await store.migrate();
    const source = manyFlows();
    await fillStore(store, source);
    const api = await startQueryApi({ store, port: 0, live, registry: new Registry(), log });
    try {
      return {
        ...(await measureDashboards(api.url)),
        ...(await measureFanOut(api.url, live, source)),
      };
    } finally {
      await api.close();
    }
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}
