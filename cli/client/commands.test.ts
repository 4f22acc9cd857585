import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { clusterObjects } from '@sonde/backbone/store/schema/cluster-objects';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { endpointName, type NamedEndpoint } from '@sonde/model/flow/endpoint-name';
import { manifestText } from '@sonde/model/policy/history/object-version';
import { namespace, networkPolicy } from '@sonde/test/builders/manifests';
import { type QueryApi, startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fields, values } from '../fields/command.js';
import { graph } from '../graph/command.js';
import { evaluate } from '../policy/evaluate.js';
import { explain } from '../policy/explain.js';
import { activity } from '../policy/activity.js';
import { changes } from '../policy/changes.js';
import { preview } from '../policy/preview.js';
import { suggest } from '../policy/suggest.js';
import { query } from '../query/command.js';
import { readMetric } from '../query/metric.js';
import { screenOf } from '../table/screen.js';
import { top } from '../top/command.js';

const screen = screenOf({});
const NOW = Date.now();

let directory: string;
let store: FlowStore;
let api: QueryApi;

beforeAll(async () => {
  directory = temporaryDirectory('commands');
  const log = createLogger('test', 'silent');
  store = await openChdbStore({ directory: path.join(directory, 'data'), log });
  await store.migrate();
  api = await startQueryApi({ store, port: 0, registry: new Registry(), log });
  const objects = [namespace('shop'), namespace('depot'), DENY_API];
  await store.insertRows(
    clusterObjects,
    objects.map((object, index) => ({
      ...{ cluster: 'main', apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name },
      ...{ namespace: object.metadata.namespace ?? '', version: String(index), deleted: false },
      ...{ changedBy: 'alice', changedAtMs: NOW - 60_000, manifest: manifestText(object) },
    })),
  );
  const end = (side: 'src' | 'dst', workload: string): FlowRow => ({
    ...{ [`${side}_kind`]: 'pod', [`${side}_namespace`]: 'shop', [`${side}_workload`]: workload },
    ...{ [`${side}_labels`]: `app=${workload}` },
  });
  const common = {
    ...{ start_time: NOW - 30_000, end_time: NOW - 20_000, cluster: 'main', primary: true, protocol: 6 },
    ...{
      tcp_flags: 2,
      connections_started: 1,
      src_ip: '10.0.0.1',
      dst_ip: '10.0.0.2',
      evidence: 'delivered',
    },
  } as const;
  const row = (...parts: readonly FlowRow[]) => Object.assign({}, common, ...parts) as FlowRow;
  const denied = '0|__PROFILE__|pro:kns.shop|allow|0,0|default|knp:shop/api|deny|-1';
  const toApi = { dst_port: 8080, bytes_out: 1000, action: 'deny', policies: denied } as const;
  const outside = { dst_kind: 'external', dst_domain: 'example.com', dst_port: 443 } as const;
  const allowed = { action: 'allow', policies: '0|__PROFILE__|pro:kns.shop|allow|0', rtt_us: 1500 } as const;
  await store.insert({
    flows: enrichedFlows([
      row(end('src', 'web'), end('dst', 'api'), toApi),
      row(end('src', 'web'), outside, allowed, { bytes_out: 500 }),
    ]),
  });
});

afterAll(async () => {
  await api.close();
  await store.close();
});

const DENY_API = networkPolicy('shop/api', { podSelector: { matchLabels: { app: 'api' } } });

/** The options of every command. */
const asked = () => ({ server: api.url, since: '-1h', until: 'now', filter: '' });

describe('sonde query', () => {
  it('works out metrics by groups, as a table, lines of JSON, or CSV', async () => {
    const metric = [readMetric('sum(bytes)'), readMetric('count')];
    const options = { ...asked(), metric, by: 'src.workload,dst.port', limit: 10 };
    expect(await query([], { ...options, output: 'table' }, screen)).toMatch(
      /^SRC.WORKLOAD +DST.PORT +SUM_BYTES +SHARE +COUNT\nweb +8080 +1\.00 kB +66\.7% +1\nweb +443 +500 B +33\.3% +1$/,
    );
    const [first] = (await query([], { ...options, output: 'json' }, screen)).split('\n');
    expect(Object.values(JSON.parse(first ?? '') as object)).toEqual(['web', 8080, 1000, 1]);
    expect((await query([], { ...options, output: 'csv' }, screen)).split(/\r?\n/)[1]).toBe(
      'web,8080,1000,1',
    );
    const least = await query([], { ...options, ascending: true, output: 'csv' }, screen);
    expect(least.split(/\r?\n/)[1]).toBe('web,443,500,1');
  });

  it('shows where a filter is wrong', async () => {
    const options = { ...asked(), by: '', limit: 1, output: 'table' } as const;
    await expect(
      query([], { ...options, filter: 'action == "deny" &&\n  src.nmespace == "shop"' }, screen),
    ).rejects.toThrow(/did you mean src\.namespace\?\)\n {4}src\.nmespace == "shop"\n {8}\^{8}$/);
  });

  it('reads metrics as people write them', () => {
    expect(readMetric('count')).toEqual({ function: 'count' });
    expect(readMetric(' quantile( 0.95 , rtt_us ) ')).toEqual({
      ...{ function: 'quantile', quantile: 0.95, field: 'rtt_us' },
    });
    expect(() => readMetric('sum(a, b)')).toThrow(/quantile/);
    expect(() => readMetric('sum bytes')).toThrow(/Write count/);
  });
});

describe('sonde top', () => {
  const options = () => ({ ...asked(), limit: 20, output: 'table' }) as const;

  it('ranks, the most first', async () => {
    const [titles, first] = (await top('servers', [], { ...options(), sort: 'bytes' }, screen)).split('\n');
    expect(titles).toMatch(/^DESTINATION +PORT +BYTES +SHARE +CONNECTIONS/);
    expect(first).toMatch(/^shop\/api +tcp 8080 +1\.00 kB +66\.7% +1 /);
  });

  it('names every end as flows show it', async () => {
    const elsewhere = { ...asked(), since: '-3h', until: '-2h' };
    const nobody = { namespace: '', workload: '', name: '', domain: '' };
    const named = (end: 'src' | 'dst', fields: object): FlowRow =>
      Object.fromEntries(
        Object.entries({ ...nobody, ...fields }).map(([name, value]) => [`${end}_${name}`, value]),
      );
    const ends: object[] = [
      { kind: 'external', ip: '203.0.113.5' },
      { kind: 'external', ip: '2001:db8::5', domain: 'example.com' },
      { kind: 'external', ip: '2001:db8::6' },
      { kind: 'network_set', ip: '203.0.113.6', name: 'partners' },
      {
        kind: 'network_set',
        ip: '203.0.113.7',
        namespace: 'shop',
        name: 'banks',
        domain: 'bank.example.com',
      },
      { kind: 'node', ip: '192.0.2.1', name: 'node-a' },
      { kind: 'service', ip: '10.96.0.1', namespace: 'shop', name: 'api' },
      { kind: 'pod', ip: '10.0.0.1', namespace: 'shop', workload: 'web', name: 'web-0' },
      {
        kind: 'host_network_pod',
        ip: '192.0.2.1',
        namespace: 'kube-system',
        workload: 'proxy',
        name: 'proxy-0',
      },
      { kind: 'pod', ip: '10.0.0.2', namespace: 'shop', name: 'alone' },
      { kind: 'pod', ip: '10.0.0.3' },
    ];
    const at = { start_time: NOW - 9_000_000, end_time: NOW - 9_000_000, cluster: 'main', primary: true };
    await store.insert({
      flows: enrichedFlows(
        ends.map((end) => ({ ...at, ...named('src', end), ...named('dst', end), bytes_out: 1 })),
      ),
    });
    const ranking = await top('pairs', [], { ...options(), ...elsewhere, output: 'json' }, screen);
    const shown = ranking.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    const flows = await store.query<Record<string, string>>(
      `SELECT ${['kind', 'namespace', 'workload', 'name', 'domain'].map((field) => `src_${field} AS ${field}`).join(', ')},
         replaceOne(toString(src_ip), '::ffff:', '') AS address FROM flows WHERE bytes_out = 1`,
    );
    const names = flows.map((end) => endpointName(end as unknown as NamedEndpoint)).sort();
    expect(names).toEqual([
      ...['10.0.0.3', '2001:db8::6', '203.0.113.5', '203.0.113.6 [partners]'],
      ...['bank.example.com [shop/banks]', 'example.com', 'kube-system/proxy'],
      ...['node node-a', 'service shop/api', 'shop/alone', 'shop/web'],
    ]);
    expect(shown.map((row) => row['src_end']).sort()).toEqual(names);
    expect(shown.map((row) => row['dst_end'])).toEqual(shown.map((row) => row['src_end']));
  });

  it('leaves out what has none of what is ranked', async () => {
    expect((await top('domains', [], options(), screen)).split('\n')).toHaveLength(2);
    expect(await top('services', [], { ...options(), filter: 'dst.port == 443 || true' }, screen)).toBe(
      'No flows match.',
    );
    expect(await top('drops', [], options(), screen)).toBe('No flows match.');
    expect(await top('namespaces', [], options(), screen)).toMatch(
      /\nshop +\(no namespace\) +500 B +33\.3% /,
    );
  });
});

describe('sonde graph', () => {
  const options = () => ({ ...asked(), level: 'workload', limit: 10 });

  it('is a tree of clients with their servers', async () => {
    const lines = (await graph([], { ...options(), output: 'tree' }, screen)).split('\n');
    expect(lines[0]).toBe('shop/web');
    expect(lines[1]).toMatch(/^├─ shop\/api tcp\/8080 {2}1 connection, 1\.00 kB, 1 denied$/);
    expect(lines[2]).toMatch(/^└─ example\.com tcp\/443 {2}1 connection, 500 B, p95 1\.50 ms$/);
  });

  it('is a graph for Graphviz, in which names can hold anything', async () => {
    const dot = await graph([], { ...options(), output: 'dot' }, screen);
    expect(dot).toMatch(/^digraph flows \{\n/);
    expect(dot).toContain('label="shop";');
    expect(dot).toMatch(/"[^"]+" -> "[^"]+" \[label="tcp\/8080 1\.00 kB", color=red\];/);
  });
});

describe('sonde fields', () => {
  const options = () => ({ ...asked(), limit: 10, output: 'table' }) as const;

  it('lists the fields, or the values of one', async () => {
    expect(await fields(options(), screen)).toMatch(/\nsrc\.namespace +string /);
    expect(await values('src.workload', [], options())).toBe('web');
  });
});

describe('sonde policy', () => {
  it('activity shows tiers and policies with the traffic they matched', async () => {
    const text = await activity({ ...asked(), output: 'table' }, screen);
    expect(text).toMatch(/\nTier default \(order 1000000, default deny\)\n/);
    expect(text).toMatch(/\n +1000 +shop\/api +NetworkPolicy +0 +1 +0 +1\.00 kB +\d{4}-/);
  });

  it('changes shows who changed what, and how', async () => {
    const text = await changes({ ...asked(), limit: 10, output: 'text' }, screen);
    expect(text).toMatch(/^\d{4}-\S+ \S+ NetworkPolicy\/shop\/api baseline by alice\n--- \/dev\/null\n/);
    expect(text).not.toContain('older changes');
    const first = await changes({ ...asked(), kind: 'Namespace', limit: 1, output: 'text' }, screen);
    expect(first).toMatch(/ Namespace\/depot [^]*\n\nThere are older changes:/);
  });

  it('preview shows what would change and who would then decide', async () => {
    const file = path.join(directory, 'deny.yaml');
    const spec = { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'] };
    await writeFile(file, JSON.stringify(networkPolicy('shop/web', spec)));
    const common = { ...asked(), limit: 10, output: 'table' } as const;
    const { text, isChange } = await preview({ ...common, apply: [file], remove: [] }, screen);
    expect(isChange).toBe(true);
    expect(text).toMatch(/^1 flow \(1 connection, 500 B\): allow → deny\n/);
    expect(text).toMatch(
      /shop\/web +example\.com +tcp 443 +allow → deny +1 +500 B +NetworkPolicy shop\/web$/,
    );
    const remove = [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'api' }];
    expect((await preview({ ...common, apply: [], remove }, screen)).text).toMatch(/deny → allow\n/);
    expect(await preview({ ...common, apply: [], remove: [] }, screen)).toEqual({
      text: 'No verdict of 2 flows would change.',
      isChange: false,
    });
  });

  it('suggest prints manifests, and says what is left out', async () => {
    const options = { ...asked(), dialect: 'kubernetes', tier: 'default', order: 1, output: 'yaml' } as const;
    const { text, notes } = await suggest('shop', options);
    expect(text).toContain('name: suggested-web');
    expect(notes).toEqual([]);
    expect((await suggest('nowhere', options)).notes).toEqual([
      'no allowed flows were observed in namespace nowhere',
    ]);
  });

  const place = () => ({ server: api.url, since: '-1h', at: 'now', protocol: 'TCP' });

  it('evaluate says whether a connection is allowed, and by which policies', async () => {
    const table = { ...place(), output: 'table' } as const;
    expect(await evaluate(['shop/web', 'shop/api', '8080'], table, screen)).toEqual({
      text: [
        'shop/web to shop/api, TCP 8080: deny',
        '  egress   allow    allowed by profile kns.shop',
        '  ingress  deny     denied by NetworkPolicy shop/api: no rule matches, so tier default denies',
      ].join('\n'),
      isAllowed: false,
    });
    const connections = path.join(directory, 'connections.json');
    await writeFile(connections, JSON.stringify([{ from: 'shop/web', to: 'example.com', port: 443 }]));
    const { text, isAllowed } = await evaluate([], { ...table, connections }, screen);
    expect(text).toMatch(/\nshop\/web +example\.com +TCP +443 +allow /);
    expect(isAllowed).toBe(true);
    await expect(evaluate(['shop/nobody', 'shop/api', '80'], table, screen)).rejects.toThrow(
      /refused: from: no flow/,
    );
    await expect(evaluate(['shop/web', 'shop/api', 'http'], table, screen)).rejects.toThrow(
      /PORT must be a number, not "http"/,
    );
    await expect(evaluate([], table, screen)).rejects.toThrow(/FROM TO PORT/);
  });

  it('explain lists what selects a workload', async () => {
    const text = await explain('shop/api', { ...place(), output: 'table' }, screen);
    expect(text).toMatch(/^shop\/api, pods with app=api\n/);
    expect(text).toMatch(/\ningress +default +knp:shop\/api +1000 +enforced +0 +deny$/);
    expect(await explain('shop/web', { ...place(), output: 'table' }, screen)).toMatch(
      /No policy selects it/,
    );
  });
});
