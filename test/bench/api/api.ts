import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import { createLocalFeed } from '@sonde/query-api/live/feed';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { measureAgainstEngine } from './against-engine.js';
import type { ClientReport } from './dashboard-clients.js';
import { measureFanOut } from './fan-out.js';

/**
 * What the query API can do on ten million flows: dashboards of many people at a time, what that costs beside the
 * engine alone, and live views of many.
 */
export async function run(): Promise<Record<string, number>> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-bench-api-'));
  try {
    await fillStore(directory);
    return await measure(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function measure(directory: string): Promise<Record<string, number>> {
  const log = createLogger('bench', 'warn');
  const store = await openChdbStore({ directory, log });
  const live = createLocalFeed();
  // Where the machine has other work, a query may take long: that is to be measured, not refused.
  const limits = { querySeconds: 300 };
  const api = await startQueryApi({ store, port: 0, live, limits, registry: new Registry(), log });
  try {
    return {
      ...(await measureDashboards(api.url)),
      ...(await measureAgainstEngine(api.url, store, directory)),
      ...(await measureFanOut(api.url, store, live, log)),
    };
  } finally {
    await api.close();
    await store.close();
  }
}

/** In a process of its own, so that what filling takes is not in the measurements. */
async function fillStore(directory: string): Promise<void> {
  const filling = fork(path.join(import.meta.dirname, 'fill-store.js'), [directory]);
  const [code] = (await once(filling, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`fill-store ended with ${String(code)}`);
}

async function measureDashboards(url: string): Promise<Record<string, number>> {
  const clients = fork(path.join(import.meta.dirname, 'dashboard-clients.js'), [url]);
  const [{ millis, seconds }] = (await once(clients, 'message')) as [ClientReport];
  const quantile = (part: number) => millis[Math.floor(millis.length * part)] ?? NaN;
  return {
    'api.requestsPerSecond': millis.length / seconds,
    'api.p50Millis': quantile(0.5),
    'api.p95Millis': quantile(0.95),
  };
}
