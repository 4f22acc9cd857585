import { createLogger } from '@sonde/backbone/logging';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse/clickhouse-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedFlows, type FlowRow } from '../builders/enriched-flows.js';
import { type QueryApi, startQueryApi } from '@sonde/query-api/server';
import { type EventStream, openEventStream } from '../fixtures/event-stream.js';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { securityOf, viewOf } from '../builders/security.js';
import { startTestClickHouse, type TestClickHouse } from '../clickhouse/server.js';

// A busy machine is slow; no test depends on time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const log = createLogger('test', 'silent');
const TOKEN = 'of-shop';

let clickHouse: TestClickHouse;
/** The enricher's store, and that of each replica of the API. */
let stores: FlowStore[];
/** A replica without authentication, and one whose client has access to namespace `shop`. */
let replicas: QueryApi[];

beforeAll(async () => {
  clickHouse = await startTestClickHouse();
  stores = Array.from({ length: 3 }, () =>
    openClickHouseStore({ ...clickHouse, urls: [clickHouse.url], log }),
  );
  await enricher().migrate();
  const [, first, second] = stores as [FlowStore, FlowStore, FlowStore];
  const options = { port: 0, log };
  replicas = [
    await startQueryApi({ ...options, store: first, registry: new Registry() }),
    await startQueryApi({
      ...options,
      store: second,
      registry: new Registry(),
      security: securityOf({ [TOKEN]: [viewOf(['shop'])] }),
    }),
  ];
});

afterAll(async () => {
  for (const replica of replicas) await replica.close();
  for (const store of stores) await store.close();
  await clickHouse.close();
});

function enricher(): FlowStore {
  const [store] = stores;
  if (!store) throw new Error('there is no store');
  return store;
}

/** Subscribes to a replica's flows; `names` are the sources' names in order of arrival. */
async function watch(replica: QueryApi | undefined): Promise<{ names: string[]; stream: EventStream }> {
  if (!replica) throw new Error('there is no such replica');
  const headers = { authorization: `Bearer ${TOKEN}` };
  const open = (target: string, signal: AbortSignal) => fetch(replica.url + target, { headers, signal });
  const stream = await openEventStream({ open }, '/api/v1/flows/live?fields=src.name');
  const names: string[] = [];
  const read = async () => {
    for (;;) names.push(String((await stream.next()).data['src_name']));
  };
  // Reading ends with the stream.
  read().catch(() => undefined);
  return { names, stream };
}

let offset = 0;

/** Stores flows as one batch, with the next offset. */
async function store(...rows: FlowRow[]): Promise<void> {
  offset += 1;
  const flows = rows.map((row) => ({ start_time: Date.now(), transport_offset: offset, ...row }));
  await enricher().insert({ flows: enrichedFlows(flows) });
}

it('streams flows stored in ClickHouse on every replica, each flow once and only to subscribers with access', async () => {
  await enricher().acquirePartitions([0]);
  const [all, shop] = [await watch(replicas[0]), await watch(replicas[1])];
  // A view starts at the newest offset: store new flows until both views have started.
  await vi.waitUntil(
    async () => {
      await store({ src_name: 'start', src_kind: 'pod', src_namespace: 'shop' });
      return all.names.length > 0 && shop.names.length > 0;
    },
    { timeout: 120_000, interval: 200 },
  );
  await store(
    { src_name: 'cart', src_kind: 'pod', src_namespace: 'shop' },
    { src_name: 'vault', src_kind: 'pod', src_namespace: 'bank' },
  );
  await store({ src_name: 'end', src_kind: 'pod', src_namespace: 'shop' });
  await vi.waitUntil(() => all.names.includes('end') && shop.names.includes('end'), {
    timeout: 120_000,
    interval: 50,
  });
  all.stream.leave();
  shop.stream.leave();
  const received = ({ names }: typeof all) => names.filter((name) => name !== 'start').sort();
  expect(received(all)).toEqual(['cart', 'end', 'vault']);
  expect(received(shop)).toEqual(['cart', 'end']);
});
