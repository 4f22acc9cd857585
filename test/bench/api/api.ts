import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import { createLocalFeed } from '@sonde/query-api/live/feed';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { measureAgainstEngine } from './against-engine.js';
import type { ClientReport } from './dashboard-clients.js';
import { measureFanOut } from './fan-out.js';
import { measureLargeResponses } from './large-responses.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';

/**
 * Measures the query API on ten million flows: concurrent dashboards, their cost relative to the engine alone, and live
 * views of many subscribers; then health checks while a reader requests large pages.
 */
export function run(): Promise<Record<string, number>> {
  return inTemporaryDirectory('api', async (directory) => {
    await fillStore(directory);
    const figures = await measure(directory);
    return { ...figures, ...(await measureLargeResponses(createLogger('bench', 'warn'))) };
  });
}

async function measure(directory: string): Promise<Record<string, number>> {
  const log = createLogger('bench', 'warn');
  const store = await openChdbStore({ directory, log });
  const live = createLocalFeed();
  // On a busy machine, slow queries are measured, not canceled.
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

/** Runs in a process of its own, so that its memory and CPU time are not measured. */
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
