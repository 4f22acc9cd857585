import { createLogger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { API, flow, NOW, pod, startPolicyShop } from '@sonde/test/fixtures/policy-shop';
import type { TestApi } from '@sonde/test/fixtures/test-api';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type QueryApi, startQueryApi } from '../server.js';

const HOUR = 3_600_000;

let shop: TestApi;
/** An API on the same store, in which a flow arrives after each read of policies. */
let busy: QueryApi;
let arrived = 0;

/** Stores a flow of a workload that did not occur before, as an enricher may do at any time. */
async function arrive(): Promise<void> {
  arrived += 1;
  const stranger = pod('src', `shop/stranger-${arrived}`, `10.9.0.${arrived}`);
  const row = flow({ ...stranger, ...API, dst_port: 9000 + arrived, action: 'allow' });
  await shop.store.insert({ flows: enrichedFlows([{ ...row, transport_offset: 1000 + arrived }]) });
}

beforeAll(async () => {
  shop = await startPolicyShop();
  const store = Object.assign(Object.create(shop.store) as FlowStore, {
    query: async (...[sql, parameters, options]: Parameters<FlowStore['query']>) => {
      const rows = await shop.store.query(sql, parameters, options);
      if (sql.includes('manifest')) await arrive();
      return rows;
    },
  });
  const log = createLogger('test', 'silent');
  busy = await startQueryApi({ store, port: 0, registry: new Registry(), log });
});

afterAll(async () => {
  await busy.close();
  await shop.close();
});

it('a preview excludes flows that arrive after it has started', async () => {
  const preview = async (url: string) => {
    const response = await fetch(`${url}/api/v1/policies/preview`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ from: new Date(NOW - HOUR).toISOString(), to: new Date(NOW + HOUR).toISOString() },
        remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'api' }],
      }),
    });
    expect(response.status).toBe(200);
    return await response.text();
  };
  const quiet = await preview(shop.url);
  expect(await preview(busy.url)).toBe(quiet);
  expect(arrived).toBeGreaterThan(0);
  expect(await preview(shop.url)).toContain('stranger-1');
});
