import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedFlows, type FlowRow } from '../builders/enriched-flows.js';
import { startTestApi, type TestApi, type TestClient } from '../fixtures/test-api.js';
import { beforeAll, describe, expect, it, vi } from 'vitest';

/**
 * Prefixes of hidden namespaces in two stores of equal size. Both follow `shop` in the sorting key, so that the rows of
 * `shop` are at the same positions.
 */
const HIDDEN = ['tango', 'vault'] as const;

const DAY_MS = Date.parse('2026-03-01T00:00:00Z');
const FLOWS = 60_000;

/** Stands for the duration of a request, which depends on the amount of data that the engine reads. */
describe('the amount of data read for a response', { timeout: 300_000 }, () => {
  let byShop: Reading[][];
  let byAll: Reading[][];

  beforeAll(async () => {
    byShop = [];
    byAll = [];
    for (const hidden of HIDDEN) {
      const api = await startApiWith(hidden);
      byShop.push(await readBy(api.as(['shop']), api.store));
      byAll.push(await readBy(api, api.store));
      await api.close();
    }
  }, 300_000);

  it('does not depend on whether another namespace exists, for a client with access to one namespace', () => {
    const [first = [], second] = byShop;
    expect(second).toEqual(first);
    for (const { request, rows } of first) expect(rows, request).toBeGreaterThan(0);
  });

  it('depends on it for a client with access to all namespaces', () => {
    expect(byAll[1]).not.toEqual(byAll[0]);
  });
});

/** Starts an API on flows of shop and of other namespaces. */
async function startApiWith(hidden: string): Promise<TestApi> {
  const api = await startTestApi();
  const flows = Array.from({ length: FLOWS }, (_, index): FlowRow => {
    const namespace = index % 2 === 0 ? 'shop' : `${hidden}-${index % 40}`;
    const start_time = DAY_MS + (index % 3_600) * 1_000;
    return {
      ...{ start_time, end_time: start_time, cluster: 'lab', node: 'node-a', primary: true, protocol: 6 },
      ...{ src_kind: 'pod', src_namespace: namespace, src_workload: 'web', src_name: `web-${index % 5}` },
      ...{ dst_kind: 'external', dst_ip: '198.51.100.1', dst_port: 443, connections_started: 1 },
    };
  });
  await api.store.insert({ flows: enrichedFlows(flows) });
  return api;
}

interface Reading {
  readonly request: string;
  /** Rows to read, as the engine estimates them from its index. */
  readonly rows: number;
}

/** The rows read for requests that name hidden namespaces of both stores, one of which exists. */
async function readBy(client: TestClient, store: FlowStore): Promise<Reading[]> {
  const range = { from: '2026-03-01T00:00:00Z', to: '2026-03-01T02:00:00Z' };
  const readings: Reading[] = [];
  for (const name of HIDDEN.map((prefix) => `${prefix}-1`)) {
    const filter = `src.namespace == "${name}"`;
    const get = (path: string, parameters: Readonly<Record<string, string>> = {}) =>
      client.get(`/api/v1/${path}?${new URLSearchParams({ ...range, ...parameters }).toString()}`);
    const requests: Readonly<Record<string, () => Promise<unknown>>> = {
      flows: () => get('flows', { filter }),
      either: () => get('flows', { filter: `either(namespace == "${name}")` }),
      query: () =>
        client.post('/api/v1/query', { ...range, filter, metrics: [{ function: 'count' }], groupBy: [] }),
      graph: () => get('graph', { filter }),
      typeahead: () => get('fields/src.namespace/values', { containing: name }),
      workload: () => get(`workloads/${name}/web`),
    };
    for (const [request, send] of Object.entries(requests)) {
      readings.push({ request: `${request} of ${name}`, rows: await rowsRead(store, send) });
    }
  }
  return readings;
}

/** The number of flows that the engine reads for the statements of a request. */
async function rowsRead(store: FlowStore, send: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(store, 'query');
  const stream = vi.spyOn(store, 'queryStream');
  await send();
  const statements = [...query.mock.calls, ...stream.mock.calls];
  query.mockRestore();
  stream.mockRestore();
  let rows = 0;
  for (const [sql, parameters] of statements) {
    const estimates = await store.query<{ table: string; rows: string }>(
      `EXPLAIN ESTIMATE ${sql}`,
      parameters,
    );
    for (const { table, rows: read } of estimates) if (table === 'flows') rows += Number(read);
  }
  return rows;
}
