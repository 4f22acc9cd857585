import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';

const DAY = Date.parse('2026-03-01T00:00:00Z');
const MINUTE = 60_000;
const range = { from: '2026-03-01T00:00:00Z', to: '2026-03-01T00:10:00Z' };

let api: TestApi;

/** A primary flow that starts in a minute of the day. */
function flow(minute: number, said: FlowRow): FlowRow {
  return { start_time: DAY + minute * MINUTE, primary: true, ...said };
}

beforeAll(async () => {
  api = await startTestApi();
  const web = { src_namespace: 'shop', src_workload: 'web', src_labels: 'app=web', action: 'allow' } as const;
  await api.store.insert({
    flows: enrichedFlows([
      flow(0, { ...web, bytes_out: 100, bytes_in: 1000, rtt_us: 100, packets_out: 1, dst_port: 80 }),
      flow(0, { ...web, bytes_out: 200, bytes_in: 0, rtt_us: 300, packets_out: 3, dst_port: 443 }),
      flow(1, { ...web, bytes_out: 400, bytes_in: 0, rtt_us: 0, dst_port: 443 }),
      // The record of the other node for the first connection.
      flow(0, { ...web, primary: false, bytes_out: 100, bytes_in: 1000, rtt_us: 100, dst_port: 80 }),
      flow(2, { src_namespace: 'blog', src_labels: 'app=press', action: 'deny', bytes_out: 50 }),
      flow(9, { src_namespace: 'a,"b"', action: 'deny', bytes_out: 5 }),
    ]),
    dns: enrichedDns([
      { start_time: DAY, primary: true, query_name: 'a.test', rcode: 'NOERROR', latency_us: 10 },
      { start_time: DAY, primary: true, query_name: 'b.test', rcode: 'NXDOMAIN', latency_us: 30 },
    ]),
  });
});

afterAll(() => api.close());

/** The rows of the response. */
async function rows(query: object): Promise<unknown> {
  const { status, body } = await api.post('/api/v1/query', { ...range, ...query });
  expect(status, JSON.stringify(body)).toBe(200);
  return body['rows'];
}

/** The errors of the response. */
async function errors(query: object): Promise<unknown> {
  const { status, body } = await api.post('/api/v1/query', { ...range, ...query });
  expect(status, JSON.stringify(body)).toBe(400);
  return body['errors'];
}

describe('metrics', () => {
  it.each<[object, unknown]>([
    [{ function: 'count' }, 5],
    [{ function: 'sum', field: 'bytes_out' }, 755],
    [{ function: 'sum', field: 'bytes' }, 1755],
    [{ function: 'rate', field: 'bytes_out' }, 755 / 600],
    [{ function: 'mean', field: 'bytes_out' }, 151],
    [{ function: 'mean', field: 'rtt_us' }, 200],
    [{ function: 'mean', field: 'rtt_us', weight: 'packets_out' }, 250],
    [{ function: 'min', field: 'rtt_us' }, 100],
    [{ function: 'max', field: 'bytes' }, 1100],
    [{ function: 'min', field: 'start_time' }, '2026-03-01T00:00:00.000Z'],
    [{ function: 'quantile', field: 'rtt_us', quantile: 1 }, 300],
    [{ function: 'distinct', field: 'dst.port' }, 3],
    [{ function: 'distinct', field: 'src.namespace' }, 3],
  ])('%j of a range is %s', async (metric, expected) => {
    expect(await rows({ metrics: [metric] })).toEqual([[expected]]);
  });

  it('count every record with `records: all`', async () => {
    expect(await rows({ metrics: [{ function: 'count' }], records: 'all' })).toEqual([[6]]);
  });

  it('are null if nothing was measured', async () => {
    const metrics = ['mean', 'min', 'max'].map((name) => ({ function: name, field: 'rtt_us' }));
    const quantile = { function: 'quantile', field: 'rtt_us', quantile: 0.5 };
    const query = { metrics: [...metrics, quantile], filter: 'src.namespace == "blog"' };
    expect(await rows(query)).toEqual([[null, null, null, null]]);
  });

  it('are null, not 1970, without records', async () => {
    const metrics = ['start_time', 'bytes'].flatMap((field) =>
      ['min', 'max'].map((name) => ({ function: name, field })),
    );
    const filter = 'src.namespace == "nobody"';
    expect(await rows({ metrics, filter })).toEqual([[null, null, null, null]]);
  });

  it('can be computed from DNS lookups', async () => {
    const metrics = [{ function: 'mean', field: 'latency_us' }];
    expect(await rows({ table: 'dns', metrics, groupBy: ['rcode'] })).toEqual([
      ['NXDOMAIN', 30],
      ['NOERROR', 10],
    ]);
  });

  it('have names, types and units', async () => {
    const metrics = [
      { function: 'rate', field: 'bytes' },
      { function: 'quantile', field: 'rtt_us', quantile: 0.95, name: 'slow' },
      { function: 'max', field: 'end_time' },
    ];
    const { body } = await api.post('/api/v1/query', {
      ...range,
      metrics,
      groupBy: ['src.port'],
      interval: '1m',
    });
    expect(body['columns']).toEqual([
      { name: 'time', type: 'time', role: 'time' },
      { name: 'src_port', type: 'number', role: 'group' },
      { name: 'rate_bytes', type: 'number', role: 'metric', unit: 'bytes/s' },
      { name: 'slow', type: 'number', role: 'metric', unit: 'microseconds' },
      { name: 'max_end_time', type: 'time', role: 'metric' },
    ]);
  });
});

describe('groups', () => {
  const metrics = [{ function: 'sum', field: 'bytes_out' }];

  it('are ordered descending by the first metric', async () => {
    expect(await rows({ metrics, groupBy: ['src.namespace', 'action'] })).toEqual([
      ['shop', 'allow', 700],
      ['blog', 'deny', 50],
      ['a,"b"', 'deny', 5],
    ]);
  });

  it('can be display names of endpoints, of flows only', async () => {
    const query = { metrics, groupBy: ['src.end', 'dst_port'], order: { by: 'src.end' }, limit: 1 };
    expect(await rows({ ...query, filter: 'src.workload == "web" && dst.port == 80' })).toEqual([
      ['::', 80, 100],
    ]);
    const lookups = { table: 'dns', metrics: [{ function: 'count' }], groupBy: ['src.end'] };
    expect(await errors(lookups)).toMatchObject([{ parameter: 'groupBy/0', reason: /src\.end/ }]);
  });

  it('follow `order` and `limit`', async () => {
    const query = { metrics, groupBy: ['src_namespace'], limit: 2 };
    const answer = await api.post('/api/v1/query', {
      ...range,
      ...query,
      order: { by: 'src.namespace', direction: 'ascending' },
    });
    expect(answer.body).toMatchObject({
      rows: [
        ['a,"b"', 5],
        ['blog', 50],
      ],
      truncated: true,
    });
  });

  it('can be labels', async () => {
    expect(await rows({ metrics, groupBy: ['src.labels["app"]'], filter: 'has(src.labels.app)' })).toEqual([
      ['web', 700],
      ['press', 50],
    ]);
  });

  it.each([
    ['cluster', ''],
    ['primary', true],
    ['dst.ip', '::'],
    ['dst.kind', 'external'],
    ['protocol', 0],
    ['start_time', '2026-03-01T00:02:00.000Z'],
    ['transport_offset', 0],
  ])('can be %s', async (field, value) => {
    const filter = 'src.namespace == "blog"';
    expect(await rows({ metrics: [{ function: 'count' }], groupBy: [field], filter })).toEqual([[value, 1]]);
  });
});

describe('time buckets', () => {
  it('without groups are not limited by the limit of groups', async () => {
    const day = { from: '2026-03-01T00:00:00Z', to: '2026-03-02T00:00:00Z' };
    const query = { ...day, metrics: [{ function: 'max', field: 'bytes_out' }], interval: '1m' };
    expect(await rows(query)).toHaveLength(4);
    expect(await rows({ ...query, groupBy: ['action'], limit: 10 })).toHaveLength(4);
  });

  const metrics = [{ function: 'sum', field: 'bytes_out' }];

  it('start at multiples of the interval and contain what started in them', async () => {
    expect(await rows({ metrics, interval: '2m' })).toEqual([
      ['2026-03-01T00:00:00.000Z', 700],
      ['2026-03-01T00:02:00.000Z', 50],
      ['2026-03-01T00:08:00.000Z', 5],
    ]);
  });

  it('have rates over the part that the range covers', async () => {
    const query = { metrics: [{ function: 'rate', field: 'bytes_out' }], interval: '5m' };
    expect(await rows({ ...query, from: '2026-03-01T00:01:00Z', to: '2026-03-01T00:05:00Z' })).toEqual([
      ['2026-03-01T00:00:00.000Z', 450 / 240],
    ]);
  });

  it.each([
    ['of few', 'src.namespace', 'shop'],
    ['of many', 'src.labels["app"]', 'web'],
  ])('show the top groups of the whole range, %s, in every bucket', async (_, key, first) => {
    const query = { ...range, metrics, groupBy: [key], interval: '1m', limit: 1 };
    const { body } = await api.post('/api/v1/query', query);
    expect(body).toMatchObject({
      rows: [
        ['2026-03-01T00:00:00.000Z', first, 300],
        ['2026-03-01T00:01:00.000Z', first, 400],
      ],
      truncated: true,
    });
    const all = await api.post('/api/v1/query', { ...query, limit: 3 });
    expect(all.body['truncated']).toBe(false);
    expect(all.body['rows']).toHaveLength(4);
  });
});

describe('formats', () => {
  const query = {
    ...range,
    metrics: [
      { function: 'rate', field: 'bytes_out' },
      { function: 'mean', field: 'rtt_us' },
    ],
    groupBy: ['src.namespace', 'dst.port'],
  };

  it('CSV quotes where necessary, and writes null as empty', async () => {
    const { status, type, text } = await api.post('/api/v1/query', {
      ...query,
      metrics: [
        { function: 'sum', field: 'bytes_out' },
        { function: 'mean', field: 'rtt_us' },
      ],
      format: 'csv',
      filter: 'src.namespace != "shop"',
    });
    expect({ status, type }).toEqual({ status: 200, type: 'text/csv; charset=utf-8; header=present' });
    expect(text).toBe('src_namespace,dst_port,sum_bytes_out,mean_rtt_us\r\nblog,0,50,\r\n"a,""b""",0,5,\r\n');
  });

  it('Arrow is a stream with a Grafana data frame', async () => {
    const response = await fetch(`${api.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...query, interval: '1m', format: 'arrow', refId: 'A' }),
    });
    expect(response.headers.get('content-type')).toBe('application/vnd.apache.arrow.stream');
    const frame = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect(frame.schema.metadata.get('refId')).toBe('A');
    expect(JSON.parse(frame.schema.metadata.get('meta') ?? '')).toEqual({
      type: 'timeseries-long',
      typeVersion: [0, 1],
    });
    expect(frame.schema.fields.map((field) => `${field.name} ${String(field.type)}`)).toEqual([
      'time Timestamp<NANOSECOND>',
      'src_namespace Utf8',
      'dst_port Utf8',
      'rate_bytes_out Float64',
      'mean_rtt_us Float64',
    ]);
    expect(frame.schema.fields.map(({ metadata }) => metadata.get('config'))).toEqual([
      undefined,
      undefined,
      undefined,
      '{"unit":"Bps"}',
      '{"unit":"µs"}',
    ]);
    expect(frame.numRows).toBe(5);
    expect(frame.getChild('mean_rtt_us')?.toJSON()).toEqual([100, 300, null, null, null]);
    expect(frame.getChild('src_namespace')?.toJSON()).toEqual(['shop', 'shop', 'shop', 'blog', 'a,"b"']);
    const times = frame.getChild('time')?.data[0]?.values as BigInt64Array;
    expect(times[0]).toBe(BigInt(DAY) * 1_000_000n);
  });

  it('Arrow without rows is a valid frame', async () => {
    const response = await fetch(`${api.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...query, format: 'arrow', filter: 'false' }),
    });
    const frame = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect([frame.numRows, frame.numCols]).toEqual([0, 4]);
  });
});

describe('a namespace-scoped user', () => {
  it('counts and groups only visible records', async () => {
    const scoped = api.as(['blog']);
    const query = { ...range, metrics: [{ function: 'count' }], groupBy: ['src.namespace'] };
    const { body } = await scoped.post('/api/v1/query', query);
    expect(body['rows']).toEqual([['blog', 1]]);
  });
});

describe('errors are reported', () => {
  const metrics = [{ function: 'count' }];
  it.each<[string, object, object]>([
    ['no metric', { metrics: [] }, { parameter: 'metrics' }],
    ['no field', { metrics: [{ function: 'sum' }] }, { parameter: 'metrics/0' }],
    ['a field to count', { metrics: [{ function: 'count', field: 'node' }] }, { parameter: 'metrics/0' }],
    [
      'an unknown field',
      { metrics: [{ function: 'sum', field: 'bytes_ou' }] },
      { parameter: 'metrics/0/field', nearest: ['bytes_out', 'bytes_in'] },
    ],
    ['a text to add up', { metrics: [{ function: 'sum', field: 'node' }] }, { parameter: 'metrics/0' }],
    ['no quantile', { metrics: [{ function: 'quantile', field: 'rtt_us' }] }, { parameter: 'metrics/0' }],
    ['a weight of a sum', { metrics: [{ function: 'sum', field: 'rtt_us', weight: 'packets' }] }, {}],
    ['a group that is no field', { metrics, groupBy: ['src'] }, { parameter: 'groupBy/0' }],
    [
      'an unknown group',
      { metrics, groupBy: ['src.namespac'] },
      { parameter: 'groupBy/0', nearest: ['src.namespace'], start: 4 },
    ],
    ['a group twice', { metrics, groupBy: ['node', 'node'] }, { parameter: 'metrics' }],
    ['an order by nothing', { metrics, order: { by: 'x' } }, { parameter: 'order/by' }],
    ['an interval that is none', { metrics, interval: 'often' }, { parameter: 'interval' }],
    ['too many steps', { metrics, groupBy: ['action'], interval: '1s', limit: 1000 }, { parameter: 'limit' }],
    ['an unknown function', { metrics: [{ function: 'median' }] }, { parameter: 'metrics/0/function' }],
    ['a filter', { metrics, filter: 'nod == 1' }, { parameter: 'filter' }],
  ])('%s', async (_, query, expected) => {
    expect(await errors(query)).toMatchObject([expected]);
  });
});
