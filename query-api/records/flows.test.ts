import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import type { FieldType } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';

const NOW = Date.now();
const MINUTE = 60_000;
/** A day that no other test uses. */
const DAY = Date.parse('2026-03-01T00:00:00Z');

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  const flows = enrichedFlows([...recent, ...ofTheDay]);
  flows.columns.bytes_out[recent.length] = 2n ** 53n;
  await api.store.insert({ flows });
});

afterAll(() => api.close());

const recent: FlowRow[] = [
  { start_time: NOW - 1 * MINUTE, src_name: 'one-minute-ago' },
  { start_time: NOW - 14 * MINUTE, src_name: 'fourteen-minutes-ago' },
  { start_time: NOW - 16 * MINUTE, src_name: 'sixteen-minutes-ago' },
];

const ofTheDay: FlowRow[] = [
  {
    start_time: DAY + 1000,
    end_time: DAY + 1234,
    src_name: 'a',
    src_namespace: 'shop',
    src_labels: 'app=web,tier=front',
    src_ip: '10.0.1.1',
    dst_ip: '2001:db8::1',
    dst_port: 443,
    protocol: 6,
    action: 'allow',
    connection_state: 'closed',
    primary: true,
    bytes_in: 123,
    transport_offset: 1,
  },
  {
    start_time: DAY + 2000,
    src_name: 'b',
    src_namespace: 'it\'s "odd", \\ 日本',
    dst_port: 80,
    action: 'deny',
  },
  { start_time: DAY + 3000, src_name: 'c', src_namespace: 'other', dst_port: 8080, action: 'unknown' },
  { start_time: DAY + 3000, src_name: 'd', transport_offset: 7 },
];

/** Requests the flows of the day, or of a part of it; parameters can be repeated. */
function flowsOfTheDay(...parameters: [string, string][]): Promise<Answer> {
  const query = new URLSearchParams(parameters);
  if (!query.has('from')) query.set('from', '2026-03-01T00:00:00Z');
  if (!query.has('to')) query.set('to', '2026-03-02T00:00:00Z');
  return api.get(`/api/v1/flows?${query.toString()}`);
}

async function names(...parameters: [string, string][]): Promise<unknown[]> {
  const { status, body } = await flowsOfTheDay(...parameters);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.flows.map((flow) => flow.src_name);
}

describe('a flow in JSON', () => {
  it('has every field, in the order of the declaration', async () => {
    const { body } = await flowsOfTheDay(['filter', 'src.name == "a"']);
    expect(Object.keys(body.flows[0] ?? {})).toEqual(flowFields.map((field) => field.name));
  });

  it("has numbers, names, addresses and times in the API's form", async () => {
    const { body } = await flowsOfTheDay(['filter', 'src.name == "a"']);
    expect(body.flows).toMatchObject([
      {
        start_time: '2026-03-01T00:00:01.000Z',
        end_time: '2026-03-01T00:00:01.234Z',
        src_ip: '10.0.1.1',
        dst_ip: '2001:db8::1',
        dst_service_ip: '::',
        dst_port: 443,
        action: 'allow',
        connection_state: 'closed',
        primary: true,
        contradiction: false,
        bytes_in: 123,
        transport_offset: 1,
        dst_name: '',
      },
    ]);
  });

  it('has a counter that JSON readers would round as a string', async () => {
    const { body } = await flowsOfTheDay(['filter', 'src.name == "a"']);
    expect(body.flows[0]?.bytes_out).toBe('9007199254740992');
  });
});

describe('the time range', () => {
  async function recentNames(query: string): Promise<unknown[]> {
    const { body } = await api.get(`/api/v1/flows?${query}`);
    return body.flows.map((flow) => flow.src_name);
  }

  it('is the last 15 minutes by default', async () => {
    expect(await recentNames('')).toEqual(['one-minute-ago', 'fourteen-minutes-ago']);
  });

  it('can be relative to now', async () => {
    expect(await recentNames('from=-20m&to=-10m')).toEqual(['fourteen-minutes-ago', 'sixteen-minutes-ago']);
    expect(await recentNames('from=-1h&to=now')).toHaveLength(3);
  });

  it('starts 15 minutes before its end, if only that is given', async () => {
    const { body } = await api.get('/api/v1/flows?to=2026-03-01T00:00:03Z');
    expect(body.from).toBe('2026-02-28T23:45:03.000Z');
    expect(body.flows.map((flow) => flow.src_name)).toEqual(['b', 'a']);
  });

  it('includes its start and not its end', async () => {
    expect(await names(['from', '2026-03-01T00:00:01Z'], ['to', '2026-03-01T00:00:02Z'])).toEqual(['a']);
  });

  it('is part of the response', async () => {
    const { body } = await api.get(
      '/api/v1/flows?from=2026-03-01T01:00:00%2B01:00&to=2026-03-01T00:00:01.5Z',
    );
    expect(body).toMatchObject({ from: '2026-03-01T00:00:00.000Z', to: '2026-03-01T00:00:01.500Z' });
  });

  it.each([
    'yesterday',
    '2026-02-30T00:00:00Z',
    '2026-03-01',
    '2026-03-01T00:00:00',
    '-15',
    '-15y',
    '',
    '1e9',
  ])('that starts at "%s" is rejected', async (from) => {
    const [error] = (await api.errors(`/api/v1/flows?from=${encodeURIComponent(from)}`)) as object[];
    expect(error).toMatchObject({
      parameter: 'from',
      reason: expect.stringMatching(/^not a time/) as string,
    });
  });

  it.each(['0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '-999999999w'])(
    'beyond what the store can hold is refused: %s',
    async (to) => {
      expect(await api.errors(`/api/v1/flows?to=${to}`)).toMatchObject([{ parameter: 'to' }]);
    },
  );

  it('that ends before it starts is rejected', async () => {
    expect(await api.errors('/api/v1/flows?from=-5m&to=-10m')).toEqual([
      { parameter: 'from', reason: 'must be before `to`' },
    ]);
  });
});

describe('order and limit', () => {
  it('are the newest first and a hundred by default', async () => {
    expect(await names()).toEqual(['d', 'c', 'b', 'a']);
  });

  it('can be the oldest first', async () => {
    expect(await names(['order', 'oldest'], ['limit', '2'])).toEqual(['a', 'b']);
  });

  it('reject an unknown order', async () => {
    expect(await api.errors('/api/v1/flows?order=random')).toEqual([
      { parameter: 'order', reason: 'must be equal to one of the allowed values: newest, oldest' },
    ]);
  });

  it.each(['0', '-1', '10001', '1.5', 'ten', ''])('reject a limit of "%s"', async (limit) => {
    expect(await api.errors(`/api/v1/flows?limit=${limit}`)).toMatchObject([{ parameter: 'limit' }]);
  });

  it('apply to any number of flows', async () => {
    const start = Date.parse('2026-02-01T00:00:00Z');
    const many = enrichedFlows(Array.from({ length: 10_001 }, (_, i) => ({ start_time: start + i })));
    await api.store.insert({ flows: many });
    for (const limit of [100, 10_000]) {
      const query = `from=2026-02-01T00:00:00Z&to=2026-02-02T00:00:00Z${limit === 100 ? '' : `&limit=${limit}`}`;
      const { body } = await api.get(`/api/v1/flows?${query}`);
      expect(body.flows).toHaveLength(limit);
      expect(body.flows[0]?.start_time).toBe('2026-02-01T00:00:10.000Z');
    }
  });
});

describe('fields', () => {
  it('are returned as selected, in that order', async () => {
    const { body } = await flowsOfTheDay(['fields', 'dst.port, src_name,action'], ['limit', '1']);
    expect(body.flows).toEqual([{ dst_port: 0, src_name: 'd', action: 'allow' }]);
    expect(Object.keys(body.flows[0] ?? {})).toEqual(['dst_port', 'src_name', 'action']);
  });

  it('that are unknown are rejected with similar names', async () => {
    expect(await api.errors('/api/v1/flows?fields=src_nam')).toMatchObject([
      { parameter: 'fields', reason: 'there is no field "src_nam"', nearest: ['src_name', 'src_namespace'] },
    ]);
  });
});

describe('a filter', () => {
  it.each<[string, string[]]>([
    ['src.namespace == "shop"', ['a']],
    ['src_namespace in ["shop", "other"]', ['c', 'a']],
    [`src.namespace == 'it\\'s "odd", \\\\ 日本'`, ['b']],
    ['src.labels["tier"] == "front"', ['a']],
    ['src.ip == "10.0.1.1"', ['a']],
    ['cidr(dst.ip, "2001:db8::/32")', ['a']],
    ['dst.port in [443, 80] && action == "deny"', ['b']],
    ['protocol == "tcp"', ['a']],
    ['bytes_out == 9007199254740992', ['a']],
    ['bytes_in == 18446744073709551615u', []],
    ['primary', ['a']],
    ['start_time >= timestamp("2026-03-01T01:00:02+01:00")', ['d', 'c', 'b']],
    ['either(namespace == "shop")', ['a']],
    ['', ['d', 'c', 'b', 'a']],
  ])('%s selects its flows', async (filter, expected) => {
    expect(await names(['filter', filter])).toEqual(expected);
  });

  it.each(flowFields.map((field) => [field.name, field] as const))('can use %s', async (name, field) => {
    const example: Partial<Record<FieldType, string>> = {
      ip: '"192.0.2.99"',
      time: 'timestamp("2026-01-01T00:00:00Z")',
      boolean: 'true',
      string: '"x"',
    };
    const value = 'values' in field ? `"${field.values[0]}"` : (example[field.type] ?? '201');
    const { status } = await flowsOfTheDay(['filter', `${name} == ${value}`]);
    expect(status).toBe(200);
  });

  it('that is invalid is rejected with the position and similar names', async () => {
    const query = new URLSearchParams({ filter: 'primary && src_namespce == "x"' });
    expect(await api.errors(`/api/v1/flows?${query.toString()}`)).toEqual([
      {
        parameter: 'filter',
        reason: 'there is no field src_namespce (at character 12)',
        nearest: ['src_namespace', 'src.namespace'],
        start: 11,
        end: 23,
      },
    ]);
  });

  it('is reported together with an invalid time range', async () => {
    const found = (await api.errors('/api/v1/flows?from=x&filter=y')) as { parameter: string }[];
    expect(found.map((error) => error.parameter)).toEqual(['from', 'filter']);
  });

  it.each([
    `' OR 1=1 --`,
    `') OR ('1'='1`,
    `\\' OR 1=1 --`,
    `x'; DROP TABLE flows; --`,
    `{from:String}`,
    `'] OR 1=1 --`,
    '\\N',
    'NULL',
    '%',
    '\u0000\t\n',
    '`flows`',
    '/* x */ UNION ALL SELECT 1',
  ])('treats values as plain values: %j', async (value) => {
    for (const { name, type } of flowFields) {
      if (type !== 'string') continue;
      expect(await names(['filter', `${name} == ${quoted(value)}`])).toEqual([]);
    }
    expect(await names()).toHaveLength(4);
  });

  it('matches unusual strings exactly', async () => {
    const odd = `'"\\{x:String}\u0000\t\n%_é日'; --`;
    const start = Date.parse('2026-01-15T00:00:00Z');
    await api.store.insert({ flows: enrichedFlows([{ start_time: start, src_name: odd }]) });
    const tests = ['== X', 'in [X]', '.startsWith(X)', '.contains(X)', '.endsWith(X)'];
    for (const test of tests) {
      const query = new URLSearchParams({
        from: '2026-01-15T00:00:00Z',
        to: '2026-01-16T00:00:00Z',
        filter: `src.name ${test.replace('X', () => quoted(odd))}`,
      });
      const { body } = await api.get(`/api/v1/flows?${query.toString()}`);
      expect(body.flows.map((flow) => flow.src_name)).toEqual([odd]);
    }
  });
});

describe('a parameter', () => {
  it('that is unknown is rejected with similar names', async () => {
    expect(await api.errors('/api/v1/flows?filtre=true&__proto__=1')).toEqual([
      { parameter: 'filtre', reason: 'there is no such parameter', nearest: ['filter'] },
      { parameter: '__proto__', reason: 'there is no such parameter', nearest: [] },
    ]);
  });
});

/** A CEL string literal. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
