import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { startTestApi, type TestApi } from '../fixtures/test-api.js';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { DAY, fillStore, storeVariants } from './store-pair.js';

// Many requests per test, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

const day = `from=${DAY}&to=2026-03-02T00:00:00Z`;

let api: TestApi;
let before: string;

beforeAll(async () => {
  api = await startTestApi();
  await fillStore(api.store, storeVariants[0]);
  before = await everything();
});

// No request changes the store.
afterEach(async () => {
  expect(await everything()).toBe(before);
});

afterAll(() => api.close());

async function everything(): Promise<string> {
  const [row] = await api.store.query<Record<string, string>>(
    `SELECT (SELECT (count(), sum(cityHash64(*))) FROM flows) AS flows, (SELECT count() FROM dns) AS dns,
     (SELECT count() FROM cluster_objects) AS objects, (SELECT groupArray(name) FROM system.tables WHERE database = currentDatabase()) AS tables`,
  );
  return JSON.stringify(row);
}

/** Strings that would have an effect inside a statement. */
const SQL = [
  `' OR 1=1 --`,
  `') OR ('1'='1`,
  `\\' OR 1=1 --`,
  `'; DROP TABLE flows; --`,
  `x' UNION ALL SELECT * FROM system.users --`,
  `{p1:String}`,
  `{p2:Array(String)}`,
  `']) OR has(['`,
  `' SETTINGS readonly=0 --`,
  `' INTO OUTFILE '/tmp/sonde-injected' --`,
  `file('/etc/passwd', 'LineAsString')`,
  `url('http://127.0.0.1:9/', 'LineAsString')`,
  `\`flows\``,
  `/* x */ SELECT 1`,
  `\u0000`,
  `\\N`,
  `%`,
];

/** Traces of the engine, of files and of internals, which no response may contain. */
const INTERNALS =
  /DB::Exception|Code: \d+\.|ClickHouse|chdb|system\.|SELECT |root:|node_modules|\.ts:\d|at \w+ \(|LowCardinality|Syntax error/;

/** Sends a request, which must not fail or reveal internals; the response may repeat what was sent. */
async function send(target: string, body?: object): Promise<{ status: number; records: number }> {
  const answer = body ? await api.post(target, body) : await api.get(target);
  const { status, text: received } = answer;
  expect(status, received).toBeLessThan(500);
  const own = SQL.map((hostile) => JSON.stringify(hostile).slice(1, -1));
  expect(own.reduce((rest, hostile) => rest.replaceAll(hostile, ''), received)).not.toMatch(INTERNALS);
  const records = answer.body as { flows?: unknown[]; lookups?: unknown[] };
  return { status, records: (records.flows ?? records.lookups ?? []).length };
}

const quoted = (value: string) => JSON.stringify(value).replaceAll('\u0000', '\\u0000');

describe.each(SQL)('%j', (hostile) => {
  const encoded = encodeURIComponent(hostile);

  it('is treated as a plain value in a filter', async () => {
    const filters = [
      `src.namespace == ${quoted(hostile)}`,
      `dst.name in [${quoted(hostile)}]`,
      `src.labels[${quoted(hostile)}] == "x"`,
      `src.labels["app"] == ${quoted(hostile)}`,
      `policies.contains(${quoted(hostile)})`,
    ];
    for (const filter of filters) {
      const { status, records } = await send(`/api/v1/flows?${day}&filter=${encodeURIComponent(filter)}`);
      expect([filter, records]).toEqual([filter, 0]);
      expect([200, 400]).toContain(status);
    }
  });

  it('is rejected as a filter, field, cursor or order', async () => {
    for (const name of ['filter', 'fields', 'cursor', 'order', 'limit', 'from', hostile]) {
      const { status } = await send(`/api/v1/flows?${encodeURIComponent(name)}=${encoded}`);
      expect([name, status]).toEqual([name, 400]);
    }
    expect((await send(`/api/v1/fields/${encoded}/values`)).status).toBeGreaterThanOrEqual(400);
    expect((await send(`/api/v1/graph?level=${encoded}`)).status).toBe(400);
  });

  it('is treated as a plain value or rejected in a body', async () => {
    const count = { function: 'count' };
    const bodies = [
      { metrics: [{ function: hostile }] },
      { metrics: [{ function: 'sum', field: hostile }] },
      { metrics: [{ ...count, name: hostile }] },
      { metrics: [count], groupBy: [hostile] },
      { metrics: [count], groupBy: [`src.labels[${quoted(hostile)}`] },
      { metrics: [count], interval: hostile },
      { metrics: [count], order: { by: hostile } },
      { metrics: [count], table: hostile },
      { metrics: [count], format: hostile },
    ];
    for (const body of bodies)
      expect([body, (await send('/api/v1/query', body)).status]).toEqual([body, 400]);
    const label = {
      metrics: [count],
      groupBy: [`src.labels[${quoted(hostile)}]`],
      from: DAY,
      to: '2026-03-02T00:00:00Z',
    };
    await send('/api/v1/query', label);
    await send('/api/v1/policies/preview', { cluster: hostile, manifests: hostile });
    await send('/api/v1/policies/suggest', { cluster: 'lab', namespace: hostile });
    for (const from of [hostile, `shop/${hostile}`, `${hostile}/web`, `service/${hostile}`]) {
      const connections = [{ from: from.slice(0, 1024), to: 'shop/web', protocol: 'TCP', port: 443 }];
      await send('/api/v1/policies/evaluate', { cluster: 'lab', connections });
    }
  });

  it('is treated as an unknown name in a path', async () => {
    const { status } = await send(`/api/v1/workloads/${encoded}/${encoded}?${day}`);
    expect(status).toBe(404);
    await send(`/api/v1/policies/applying?cluster=lab&namespace=${encoded}&name=${encoded}&${day}`);
    await send(`/api/v1/policies/changes?cluster=${encoded}`);
    await send(`/api/v1/policies/changes?cluster=lab&name=${encoded}&${day}`);
    await send(`/api/v1/fields/src.name/values?${day}&containing=${encoded}`);
  });
});

describe('a filter', () => {
  const filtered = (filter: string) => send(`/api/v1/flows?${day}&filter=${encodeURIComponent(filter)}`);

  it.each([
    ['nests deep', '('.repeat(3000) + 'true' + ')'.repeat(3000)],
    ['negates often', `${'!'.repeat(3000)}true`],
    ['is long', Array.from({ length: 400 }, () => 'dst.port == 1').join(' || ')],
    ['nests lists', '['.repeat(500) + ']'.repeat(500)],
    ['uses CEL functions that are not supported', '[1, 2].map(x, x * 2).size() > 0'],
    ['loops', '[1,2,3].all(x, [1,2,3].all(y, [1,2,3].all(z, x + y + z > 0)))'],
    ['builds messages', 'google.protobuf.Any{type_url: "x"} == dst'],
    ['reads what objects inherit', 'src.__proto__.constructor == "x"'],
    ['reads what objects inherit by index', 'src["constructor"]["prototype"] == "x"'],
    ['matches by a pattern that backtracks', 'src.name.matches("^(a+)+$")'],
    ['matches by a pattern of great size', `src.name.matches("(a{1000}){1000}")`],
    ['uses lookahead, which RE2 does not support', 'src.name.matches("(?=a)")'],
  ])('that %s gets a response in time', async (_what, filter) => {
    const { status } = await filtered(filter);
    expect([200, 400, 414]).toContain(status);
  });

  it('is limited in size', async () => {
    const filter = `src.name == "${'a'.repeat(9000)}"`;
    expect([200, 400]).toContain((await filtered(filter)).status);
  });
});

describe('a raw request', () => {
  it.each<[string, string, Record<string, string>]>([
    ['climbs out of a path', '/api/v1/../../etc/passwd', {}],
    ['climbs out of a path, encoded', '/api/v1/%2e%2e/%2e%2e/etc/passwd', {}],
    ['climbs twice encoded', '/api/v1/fields/%252e%252e%252f/values', {}],
    ['has a path of nulls', '/api/v1/fields/%00/values', {}],
    ['has a broken escape', '/api/v1/fields/%zz/values', {}],
    ['has an absolute URL, as for a proxy', 'http://other.example.com/api/v1/flows', {}],
    ['has another method in a header', '/api/v1/whoami', { 'x-http-method-override': 'DELETE' }],
    [
      'has another path in a header',
      '/healthz',
      { 'x-original-url': '/metrics', 'x-rewrite-url': '/metrics' },
    ],
    [
      'has a forged client address',
      '/api/v1/whoami',
      { 'x-forwarded-for': '10.0.0.1', 'x-forwarded-host': 'evil.example.com' },
    ],
    ['has an id that would split headers', '/healthz', { 'x-request-id': 'a%0d%0aset-cookie: x=1' }],
  ])('that %s reveals nothing', async (_what, path, headers) => {
    const answer = await raw(path, headers);
    expect(answer.status).toBeLessThan(500);
    expect(answer.text).not.toMatch(INTERNALS);
    expect(answer.headers['set-cookie']).toBeUndefined();
    expect(answer.headers.location).toBeUndefined();
  });

  it('is rejected with too many parameters or too long a URL', async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `p${index}=1`).join('&');
    expect((await raw(`/api/v1/flows?${many}`, {})).status).toBe(400);
    expect((await raw(`/api/v1/flows?filter=${'a'.repeat(100_000)}`, {})).status).toBe(400);
    expect((await raw(`/api/v1/flows?filter=${'a'.repeat(400_000)}`, {})).status).toBe(431);
  });
});

function raw(path: string, headers: Readonly<Record<string, string>>) {
  const { hostname, port } = new URL(api.url);
  return new Promise<{ status: number; headers: Record<string, unknown>; text: string }>(
    (resolve, reject) => {
      const sent = request({ hostname, port, path, headers }, (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, text: body }),
          reject,
        );
      });
      sent.on('error', reject);
      sent.end();
    },
  );
}
