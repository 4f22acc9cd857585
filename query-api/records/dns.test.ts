import { enrichedDns, type WrittenDnsRow } from '@sonde/test/builders/dns';
import { dnsFields } from '@sonde/model/dns/fields';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';

const DAY = Date.parse('2026-03-01T00:00:00Z');

const found: WrittenDnsRow = {
  start_time: DAY + 1000,
  cluster: 'test',
  node: 'node-a',
  primary: true,
  src_ip: '10.0.1.1',
  src_port: 40_000,
  src_kind: 'pod',
  src_namespace: 'shop',
  src_name: 'web-0',
  dst_ip: 'fd00::53',
  protocol: 17,
  query_name: 'api.example.com',
  query_type: 'AAAA',
  answered: true,
  rcode: 'NOERROR',
  latency_us: 312,
  answers: '2001:db8::10,2001:db8::11',
  answer_ttl_s: 60,
  transport_offset: 5,
};

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  const missing = { start_time: DAY + 2000, query_name: 'nowhere.example.com', rcode: 'NXDOMAIN' } as const;
  const silent = { start_time: DAY + 3000, query_name: 'silent.example.com', rcode: 'NONE' } as const;
  await api.store.insert({
    dns: enrichedDns([found, { ...missing, answered: true }, silent, { start_time: Date.now() - 60_000 }]),
  });
});

afterAll(() => api.close());

async function lookups(filter: string, more = ''): Promise<Record<string, unknown>[]> {
  const range = 'from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z';
  const { status, body } = await api.get(`/api/v1/dns?${range}&filter=${encodeURIComponent(filter)}${more}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body.lookups;
}

const names = async (filter: string, more = '') =>
  (await lookups(filter, more)).map((lookup) => lookup.query_name);

describe('a DNS lookup in JSON', () => {
  it("has every field in the API's form", async () => {
    const [lookup] = await lookups('query_name == "api.example.com"');
    expect(Object.keys(lookup ?? {})).toEqual(dnsFields.map((field) => field.name));
    expect(lookup).toMatchObject({ ...found, start_time: '2026-03-01T00:00:01.000Z' });
  });
});

describe('DNS lookups', () => {
  it('of the last 15 minutes are returned by default', async () => {
    const { body } = await api.get('/api/v1/dns');
    expect(body.lookups).toHaveLength(1);
  });

  it('follow `order` and `limit`', async () => {
    expect(await names('')).toEqual(['silent.example.com', 'nowhere.example.com', 'api.example.com']);
    expect(await names('', '&order=oldest&limit=1')).toEqual(['api.example.com']);
  });

  it.each([
    ['domain(query_name, "*.Example.com") && answered && rcode == "NOERROR"', ['api.example.com']],
    ['rcode in ["NXDOMAIN", "NONE"]', ['silent.example.com', 'nowhere.example.com']],
    ['!answered', ['silent.example.com']],
    ['query_type == "AAAA" && src.namespace == "shop"', ['api.example.com']],
    ['src.ip == "10.0.1.1" && dst.ip == "FD00:0::53"', ['api.example.com']],
    ['latency_us == 312', ['api.example.com']],
    ['"2001:db8::11" in answers', ['api.example.com']],
  ])('are selected by %s', async (query, expected) => {
    expect(await names(query)).toEqual(expected);
  });

  it('with unknown names are rejected with similar names', async () => {
    const { status, body } = await api.get('/api/v1/dns?filter=rcode=="NXDOMAN"');
    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: 'filter', nearest: ['NXDOMAIN', 'YXDOMAIN'] }]);
  });
});
