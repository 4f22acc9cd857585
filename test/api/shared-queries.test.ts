import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { enrichedFlows } from '../builders/enriched-flows.js';
import { securityOf, viewOf } from '../builders/security.js';
import { type QueryApi, startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

// A busy machine is slow; no test depends on time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const log = createLogger('test', 'silent');
const NAMESPACES = ['shop', 'bank'] as const;
type Reader = (typeof NAMESPACES)[number] | 'everyone';

let directory: string;
let store: FlowStore;
/** A server whose readers have their names as tokens. */
let api: QueryApi;

beforeAll(async () => {
  directory = temporaryDirectory('shared');
  store = await openChdbStore({ directory, log });
  await store.migrate();
  const flows = NAMESPACES.flatMap((src_namespace, at) => {
    const flow = {
      start_time: Date.now() - 60_000,
      src_kind: 'pod',
      primary: true,
      bytes_out: 10 ** at,
    } as const;
    return [{ ...flow, src_namespace }];
  });
  await store.insert({ flows: enrichedFlows(flows) });
  const security = securityOf({
    ...Object.fromEntries(NAMESPACES.map((name) => [name, [viewOf([name])]])),
    everyone: [viewOf('all')],
  });
  api = await startQueryApi({ store, port: 0, registry: new Registry(), log, security });
});

afterAll(async () => {
  await api.close();
  await store.close();
});

async function ask(reader: Reader, target: string, body?: object): Promise<unknown> {
  const response = await fetch(api.url + target, {
    headers: { authorization: `Bearer ${reader}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  return await response.json();
}

const REQUESTS: readonly { readonly target: string; readonly body?: object }[] = [
  // A day: what is shared is fresh for as long as this test takes.
  {
    target: '/api/v1/query',
    body: { from: '-1d', metrics: [{ function: 'sum', field: 'bytes' }], groupBy: ['src.namespace'] },
  },
  { target: '/api/v1/graph?from=-1d&level=namespace' },
  { target: '/api/v1/fields/src.namespace/values?from=-1d' },
];

it.each(REQUESTS)(
  '$target never shares an answer between clients with different access, at the same time or a moment later',
  async ({ target, body }) => {
    const ofEach = () =>
      Promise.all((['everyone', ...NAMESPACES] as const).map((reader) => ask(reader, target, body)));
    const atOnce = await Promise.all([ofEach(), ofEach()]);
    for (const [everyone, shop, bank] of [...atOnce, await ofEach()]) {
      expect(JSON.stringify(everyone)).toMatch(/shop.*bank|bank.*shop/);
      expect(JSON.stringify(shop)).toContain('shop');
      expect(JSON.stringify(shop)).not.toContain('bank');
      expect(JSON.stringify(bank)).toContain('bank');
      expect(JSON.stringify(bank)).not.toContain('shop');
    }
  },
);
