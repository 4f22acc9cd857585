import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { clusterObjects } from '@sonde/backbone/store/schema/cluster-objects';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { manifestText } from '@sonde/model/policy/history/object-version';
import { namespace, networkPolicy } from '@sonde/test/builders/manifests';
import { type QueryApi, startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { sondeCommand } from '../commands.js';
import { flowCells } from '../flow-table/cells.js';

/** A name that sets a terminal's title, clears its screen, turns text around, and begins a line of its own. */
const HOSTILE = 'x\u001b]0;pwn\u0007\u009b2J\u007f\u202ey\nz';
// eslint-disable-next-line no-control-regex -- they must not be there
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

const NOW = Date.now();
let directory: string;
let store: FlowStore;
let api: QueryApi;

beforeAll(async () => {
  directory = temporaryDirectory('hostile');
  const log = createLogger('test', 'silent');
  store = await openChdbStore({ directory: path.join(directory, 'data'), log });
  await store.migrate();
  api = await startQueryApi({ store, port: 0, registry: new Registry(), log });
  const end = (side: 'src' | 'dst'): FlowRow => ({
    ...{ [`${side}_kind`]: 'pod', [`${side}_namespace`]: 'shop', [`${side}_workload`]: HOSTILE },
    ...{ [`${side}_name`]: HOSTILE, [`${side}_domain`]: HOSTILE, [`${side}_labels`]: `app=${HOSTILE}` },
    ...{ [`${side}_process`]: HOSTILE },
  });
  const row = {
    ...{ ...end('src'), ...end('dst'), primary: true, protocol: 6, dst_port: 443, cluster: 'main' },
    ...{ start_time: NOW - 30_000, end_time: NOW - 20_000, connections_started: 1, bytes_out: 10 },
    ...{
      evidence: 'dropped',
      drop_reason: HOSTILE,
      dropped_packets: 1,
      action: 'deny',
      policies: HOSTILE,
      dst_service: HOSTILE,
    },
    ...{ dst_service_namespace: 'shop', policies: `0|default|knp:shop/${HOSTILE}|deny|-1` },
  } as FlowRow;
  const asker = { src_kind: 'pod', src_namespace: 'shop', src_workload: HOSTILE } as const;
  const answered = { query_type: 'A', answered: true, rcode: 'NOERROR', answers: HOSTILE } as const;
  const lookup = { start_time: NOW - 30_000, primary: true, query_name: HOSTILE, ...asker, ...answered };
  await store.insert({ flows: enrichedFlows([row]), dns: enrichedDns([lookup]) });
  const policy = networkPolicy('shop/api', { podSelector: { matchLabels: { app: 'api' } } });
  await store.insertRows(
    clusterObjects,
    [namespace('shop'), policy].map((object, index) => ({
      ...{ cluster: 'main', apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name },
      ...{ namespace: object.metadata.namespace ?? '', version: String(index), deleted: false },
      ...{ changedBy: HOSTILE, changedAtMs: NOW - 60_000, manifest: manifestText(object) },
    })),
  );
  await writeFile(path.join(directory, 'connections.json'), CONNECTIONS);
});

afterAll(async () => {
  await api.close();
  await store.close();
});

const CONNECTIONS = JSON.stringify([
  { from: `shop/${HOSTILE}`, to: `shop/${HOSTILE}`, protocol: 'TCP', port: 443 },
]);

/** All that a command line writes, on both streams. */
async function written(words: readonly string[]): Promise<string> {
  let text = '';
  const write = (part: string | Uint8Array) => {
    text += String(part);
    return true;
  };
  const streams = [process.stdout, process.stderr].map((one) =>
    vi.spyOn(one, 'write').mockImplementation(write),
  );
  try {
    const sonde = await sondeCommand(words);
    await sonde.parseAsync([...words, '--server', api.url], { from: 'user' });
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
  return text;
}

describe('names that a terminal would obey', () => {
  it.each([
    ['observe', '--limit', '10'],
    ['observe', '--output', 'compact'],
    ['observe', '--output', 'json'],
    ['observe', '--columns', 'src.workload,dst.domain,drop_reason'],
    ['observe', '--dns'],
    ['observe', '--dns', '--output', 'compact'],
    ['observe', '--dns', '--columns', 'query_name,answers'],
    ['query', '--by', 'src.workload,drop_reason'],
    ['query', '--by', 'src.workload,drop_reason', '--output', 'json'],
    ['query', '--by', 'src.workload,drop_reason', '--output', 'csv'],
    ...['pairs', 'clients', 'servers', 'services', 'drops'].map((what) => ['top', what]),
    ['top', 'domains', '--output', 'json'],
    ...['tree', 'dot', 'json'].map((output) => ['graph', '--output', output]),
    ['fields', 'src.workload'],
    ['fields', 'src.workload', '--output', 'json'],
    ['policy', 'changes'],
    ['policy', 'changes', '--output', 'json'],
  ])('are shown with codes by sonde %s %s %s', async (...words) => {
    const text = await written(words);
    // CSV ends its lines with both (RFC 4180).
    expect(text.replaceAll('\r\n', '\n')).not.toMatch(OBEYED);
    expect(text).toMatch(/x\\+(x1b|u001b)\]0;pwn/);
  });

  it('are shown with codes in flows that are watched', () => {
    const flow = { src_kind: 'pod', dst_kind: 'pod', src_namespace: 'shop', dst_namespace: 'shop' };
    const names = { src_workload: HOSTILE, dst_workload: HOSTILE, evidence: 'dropped', drop_reason: HOSTILE };
    const rest = {
      start_time: '2026-03-01T12:00:00.000Z',
      protocol: 6,
      action: 'deny',
      policies: HOSTILE,
      dst_service: HOSTILE,
    };
    const cells = flowCells({ ...flow, ...names, ...rest } as unknown as Parameters<typeof flowCells>[0], {
      utc: true,
      nowMs: 0,
    });
    expect(Object.values(cells).join('')).not.toMatch(OBEYED);
    expect(cells.source).toContain('x\\x1b]0;pwn');
  });
});
