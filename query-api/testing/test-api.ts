import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';

import { Registry } from 'prom-client';
import { startQueryApi } from '../server.js';

/** An API on an empty store of its own, for tests. */
export interface TestApi {
  readonly store: FlowStore;
  readonly url: string;
  get(target: string): Promise<Answer>;
  close(): Promise<void>;
}

/** What the API answered. */
export interface Answer {
  readonly status: number;
  readonly type: string | null;
  readonly body: Record<string, unknown> & {
    flows: Record<string, unknown>[];
    lookups: Record<string, unknown>[];
  };
}

const log = createLogger('test', 'silent');

export async function startTestApi(): Promise<TestApi> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-api-'));
  const store = await openChdbStore({ directory, log });
  await store.migrate();
  const api = await startQueryApi({ store, port: 0, registry: new Registry(), log });
  return {
    store,
    url: api.url,
    get: (target) => get(api.url + target),
    async close() {
      await api.close();
      await store.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** What an API answers whose store fails at every query. */
export async function answerOfFailingStore(error: Error, target: string): Promise<Answer> {
  const unused = () => Promise.reject(new Error('the API only reads'));
  const store: FlowStore = {
    query: () => Promise.reject(error),
    queryStream: () => Promise.reject(error),
    migrate: unused,
    insert: unused,
    highestOffsets: unused,
    insertObjects: unused,
    confirmObjects: unused,
    close: unused,
  };
  const api = await startQueryApi({ store, port: 0, registry: new Registry(), log });
  try {
    return await get(api.url + target);
  } finally {
    await api.close();
  }
}

async function get(url: string): Promise<Answer> {
  const response = await fetch(url);
  const body = (await response.json()) as Answer['body'];
  return { status: response.status, type: response.headers.get('content-type'), body };
}
