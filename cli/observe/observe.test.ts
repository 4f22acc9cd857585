import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { contextFromObjects } from '@sonde/enricher/pipeline/context';
import { enrich } from '@sonde/enricher/pipeline/enrich';
import { batchOf } from '@sonde/test/builders/batch';
import type { DnsRow } from '@sonde/model/dns/records';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { enrichedDns } from '@sonde/test/builders/dns';
import { observedFlows, type ObservedFlowRow } from '@sonde/test/builders/observed-flows';
import { createLocalFeed } from '@sonde/query-api/live/feed';
import { type QueryApi, startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ApiClient } from '../client/api-client.js';
import { ClientError } from '../client/errors.js';
import { paintFor } from '../table/color.js';
import { columnTable } from './column-lines.js';
import { compactLookup } from './compact-lines.js';
import { dnsLayout, dnsLine } from './dns-lines.js';
import { serverSentEvents } from './event-stream.js';
import { type Gap, liveRecords } from './live-records.js';
import { pastRecords } from '../client/records.js';

/** More flows than can have been on their way when a server closed. */
const AFTER_CLOSING = 10;

let directory: string;
let store: FlowStore;
let api: QueryApi;
let client: ApiClient;
const live = createLocalFeed();
const log = createLogger('test', 'silent');
let offset = 0;

beforeAll(async () => {
  directory = temporaryDirectory('observe');
  store = await openChdbStore({ directory, log });
  await store.migrate();
  api = await startApi(0);
  client = new ApiClient(api.url);
});

afterAll(async () => {
  await api.close();
  await store.close();
});

function startApi(port: number): Promise<QueryApi> {
  return startQueryApi({ store, port, live, registry: new Registry(), log });
}

/** Stores flows that start at the given moments, one batch. */
async function stored(startTimes: readonly number[], row: ObservedFlowRow = {}): Promise<void> {
  const rows = startTimes.map((start_time, index) => ({
    start_time,
    end_time: start_time,
    src_port: index + 1,
    protocol: 6,
    ...row,
  }));
  const batch = batchOf(observedFlows(rows));
  await store.insert({
    flows: enrich([{ batch, partition: 0, offset: offset++ }], contextFromObjects([]).context),
  });
}

const request = { from: '-1h', limit: 100, filter: '', fields: '' } as const;

describe('past flows', () => {
  it('returns those of the time range that match the filter, oldest first', async () => {
    await stored([Date.now() - 1800_000, Date.now() - 1700_000, Date.now() - 1600_000], { dst_port: 443 });
    const flows = await pastRecords(client, 'flows', {
      ...request,
      filter: 'dst.port == 443 && src.port in [2, 3]',
    });
    expect(flows.map(({ src_port, dst_port }) => [src_port, dst_port])).toEqual([
      [2, 443],
      [3, 443],
    ]);
  });

  it('returns more than a page, with the selected fields', async () => {
    const start = Date.now() - 7200_000;
    await stored(
      Array.from({ length: 2100 }, (_, number) => start + number),
      { dst_port: 5000 },
    );
    const flows = await pastRecords(client, 'flows', {
      ...{ from: '-3h', limit: 2050, filter: 'dst.port == 5000', fields: 'src_port' },
    });
    expect(flows).toEqual(Array.from({ length: 2050 }, (_, number) => ({ src_port: number + 51 })));
  });

  it('reports an invalid filter', async () => {
    const refused = pastRecords(client, 'flows', { ...request, filter: 'dst_prot == 443' });
    await expect(refused).rejects.toThrow(ClientError);
    await expect(refused).rejects.toThrow(/dst_prot.*dst_port/);
  });

  it('says what to do if the server cannot be reached', async () => {
    await expect(pastRecords(new ApiClient('http://127.0.0.1:9'), 'flows', request)).rejects.toThrow(
      /start `sonde up`/,
    );
  });
});

describe('past DNS lookups', () => {
  const lookup = {
    start_time: Date.now() - 5000,
    src_kind: 'pod',
    src_namespace: 'shop',
    src_workload: 'web',
    dst_ip: '10.96.0.10',
    query_type: 'A',
    query_name: 'api.example.com',
  } as const;
  const found = {
    answered: true,
    rcode: 'NOERROR',
    latency_us: 812,
    answers: '192.0.2.1,192.0.2.2',
  } as const;
  let lookups: DnsRow[];

  beforeAll(async () => {
    await store.insert({
      dns: enrichedDns([
        { ...lookup, ...found },
        { ...lookup, start_time: lookup.start_time - 1000, rcode: 'NONE' },
      ]),
    });
    const asked = { ...request, from: '-5m', filter: 'src.namespace == "shop"' };
    lookups = (await pastRecords(client, 'dns', asked)) as DnsRow[];
  });

  const times = { utc: true, nowMs: lookup.start_time };
  const layout = dnsLayout([], times, undefined);

  it('prints client, server, name, response and answers', () => {
    const lines = lookups.map((row) =>
      dnsLine(layout, row, times, paintFor({})).slice('12:00:00.000'.length).trim(),
    );
    expect(lines[0]).toMatch(/^shop\/web +10\.96\.0\.10 +A +api\.example\.com +none +-$/);
    expect(lines[1]).toMatch(
      /^shop\/web +10\.96\.0\.10 +A +api\.example\.com +NOERROR +812 µs +192\.0\.2\.1,192\.0\.2\.2$/,
    );
    expect(
      dnsLine(layout, lookups[0] ?? expect.unreachable(), times, paintFor({})).indexOf('api.example'),
    ).toBe(layout.title(paintFor({})).indexOf('NAME'));
  });

  it('prints them as short lines', () => {
    const lines = lookups.map((row) => compactLookup(row, times, paintFor({})).slice('12:00:00.000 '.length));
    expect(lines).toEqual([
      'shop/web A api.example.com none',
      'shop/web A api.example.com NOERROR 192.0.2.1,192.0.2.2',
    ]);
  });
});

describe('following flows', () => {
  it('streams matching flows and continues when the server is back', async () => {
    const stop = new AbortController();
    const lost: string[] = [];
    const gaps: Gap[] = [];
    const seen: unknown[] = [];
    // The server tells nobody when a stream is open: flows come until they are seen.
    const coming = setInterval(() => {
      for (const dst_port of [80, 443]) live.publish({ flows: enrichedFlows([{ dst_port }]) });
    }, 50);
    const { port } = new URL(api.url);
    for await (const flow of liveRecords(client, 'flows', {
      filter: 'dst.port == 443',
      fields: 'dst_port',
      signal: stop.signal,
      onDropped: () => expect.unreachable(),
      onLost: (reason) => lost.push(reason),
      onGap: (gap) => gaps.push(gap),
    })) {
      seen.push(flow);
      if (seen.length === 2) {
        await api.close();
        api = await startApi(Number(port));
      }
      if (seen.length > 2 + AFTER_CLOSING) stop.abort();
    }
    clearInterval(coming);
    expect(new Set(seen.map((flow) => JSON.stringify(flow)))).toEqual(new Set(['{"dst_port":443}']));
    expect(gaps).toHaveLength(1);
  }, 30_000);

  it('fails at once if the server rejects the request', async () => {
    const following = liveRecords(client, 'flows', {
      filter: 'dst_prot == 443',
      fields: '',
      signal: new AbortController().signal,
      onDropped: () => expect.unreachable(),
      onLost: () => expect.unreachable(),
      onGap: () => expect.unreachable(),
    });
    await expect(following.next()).rejects.toThrow(/dst_port/);
  });
});

describe('server-sent events', () => {
  it('are read however their bytes are cut', async () => {
    const text =
      ': hello\r\nretry: 1\n\nevent: dropped\ndata: {"records":1}\n\ndata: é\r\ndata:b\n\ndata: cut';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 3, 1000]) {
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
          controller.close();
        },
      });
      const events: unknown[] = [];
      for await (const event of serverSentEvents(body)) events.push(event);
      expect(events).toEqual([
        { name: 'dropped', data: '{"records":1}' },
        { name: '', data: 'é\nb' },
      ]);
    }
  });
});

describe('chosen columns', () => {
  it('are as wide as what they hold, numbers to the right', () => {
    const records = [
      { src_namespace: 'storefront', dst_port: 443, primary: true },
      { src_namespace: '', dst_port: 8080, primary: false },
    ];
    const { layout, cells } = columnTable(['src.namespace', 'dst_port', 'primary'], records, undefined);
    expect([layout.title(paintFor({})), ...records.map((record) => layout.line(cells(record)))]).toEqual([
      'SRC.NAMESPACE  DST_PORT  PRIMARY',
      'storefront          443  true',
      '-                  8080  false',
    ]);
  });
});
