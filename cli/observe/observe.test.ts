import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { contextFromObjects } from '@sonde/enricher/context';
import { enrich } from '@sonde/enricher/enrich';
import { batchOf } from '@sonde/model/flow/build-batch';
import { enrichedDns } from '@sonde/model/dns/build-dns';
import { observedFlows, type ObservedRow } from '@sonde/model/flow/build-observed';
import type { FlowRow } from '@sonde/model/flow/rows';
import { type QueryApi, startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { paintFor } from '../flow-table/colour.js';
import { dnsLine, dnsTitleLine } from './dns-lines.js';
import { followRecords } from './follow.js';
import { fetchRecords, RecordsRequestError } from './records-client.js';

let directory: string;
let store: FlowStore;
let api: QueryApi;
let offset = 0;

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sonde-observe-'));
  const log = createLogger('test', 'silent');
  store = await openChdbStore({ directory, log });
  await store.migrate();
  api = await startQueryApi({ store, port: 0, registry: new Registry(), log });
});

afterAll(async () => {
  await api.close();
  await store.close();
  await rm(directory, { recursive: true });
});

/** Stores flows that start at the given moments, one batch. */
async function stored(startTimes: readonly number[], row: ObservedRow = {}): Promise<void> {
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

const request = { from: '-1h', limit: 100, order: 'newest', filter: '' } as const;

describe('asking for flows', () => {
  it('gives those of the time range that have the values asked for', async () => {
    await stored([Date.now() - 1800_000, Date.now() - 1700_000], { dst_port: 443 });
    const flows = await fetchRecords(api.url, 'flows', {
      ...request,
      filter: 'dst.port == 443 && src.port == 2',
    });
    expect(flows.map(({ src_port, dst_port }) => [src_port, dst_port])).toEqual([[2, 443]]);
  });

  it('says which filter the API refused, and why', async () => {
    const refused = fetchRecords(api.url, 'flows', { ...request, filter: 'dst_prot == 443' });
    await expect(refused).rejects.toThrow(RecordsRequestError);
    await expect(refused).rejects.toThrow(/dst_prot.*dst_port/);
  });

  it('says what to do when nothing answers', async () => {
    await expect(fetchRecords('http://127.0.0.1:9', 'flows', request)).rejects.toThrow(
      /is `sonde up` running there\?/,
    );
  });
});

describe('asking for DNS look-ups', () => {
  it('gives them as lines that name client, server, question, response and answers', async () => {
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
    await store.insert({
      dns: enrichedDns([
        { ...lookup, ...found },
        { ...lookup, start_time: Date.now() - 6000, rcode: 'NONE' },
      ]),
    });
    const lookups = await fetchRecords(api.url, 'dns', {
      ...request,
      from: '-1m',
      filter: 'src.namespace == "shop"',
    });
    const lines = lookups.map((row) => dnsLine(row, paintFor({})).slice('12:00:00.000'.length).trim());
    expect(lines[0]).toMatch(
      /^shop\/web +10\.96\.0\.10 +A +api\.example\.com +NOERROR +812 µs +192\.0\.2\.1,192\.0\.2\.2$/,
    );
    expect(lines[1]).toMatch(/^shop\/web +10\.96\.0\.10 +A +api\.example\.com +none +-$/);
    expect(dnsLine(lookups[0] ?? expect.unreachable(), paintFor({})).indexOf('api.example')).toBe(
      dnsTitleLine(paintFor({})).indexOf('NAME'),
    );
  });
});

describe('following flows', () => {
  it('gives each flow once as it comes, late ones too, and none from before', async () => {
    const start = Date.now();
    await stored([start - 30_000, start - 1000, start - 500]);
    const stop = new AbortController();
    const seen: FlowRow[] = [];
    const follow = followRecords('flows', {
      server: api.url,
      filter: 'src.port in [1, 2, 3]',
      sinceMs: start - 2000,
      signal: stop.signal,
      onOverrun: () => expect.unreachable(),
    });
    for await (const flow of follow) {
      seen.push(flow);
      // The second batch holds one flow that started before all that were given.
      if (seen.length === 2) await stored([Date.now(), start - 1500]);
      if (seen.length === 4) stop.abort();
    }
    expect(seen.map(({ start_time }) => Date.parse(start_time) - start).slice(0, 2)).toEqual([-1000, -500]);
    expect(seen.slice(2).map(({ start_time }) => Date.parse(start_time) - start)).toEqual([
      -1500,
      expect.any(Number),
    ]);
  });
});
