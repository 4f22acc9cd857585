import { enrichedDns } from '@sonde/test/builders/dns';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { flowFields } from '@sonde/model/flow/fields';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi, type TestClient } from '@sonde/test/fixtures/test-api';

const DAY = Date.parse('2026-03-01T00:00:00Z');
const web: FlowRow = {
  start_time: DAY,
  src_kind: 'pod',
  src_namespace: 'shop',
  src_name: 'web-1',
  src_labels: 'app=web,tier=front',
  src_network_sets: 'public,office',
  src_ip: '10.0.0.2',
  dst_port: 443,
  primary: true,
};

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  await api.store.insert({
    flows: enrichedFlows([
      web,
      web,
      { ...web, src_name: 'Web-2', dst_port: 80, src_labels: 'app=api' },
      { ...web, src_namespace: 'blog', src_name: 'press', src_ip: '2001:db8::1', src_labels: '' },
    ]),
    dns: enrichedDns([{ start_time: DAY, query_name: 'a.test' }]),
  });
});

afterAll(() => api.close());

async function values(field: string, query = '', who: TestClient = api): Promise<unknown> {
  const range = 'from=2026-03-01T00:00:00Z&to=2026-03-01T01:00:00Z';
  const target = `/api/v1/fields/${encodeURIComponent(field)}/values?${range}${query}`;
  const { status, body } = await who.get(target);
  expect(status, JSON.stringify(body)).toBe(200);
  return body['values'];
}

describe('fields', () => {
  it('of flows have type, unit, values and name in filters', async () => {
    const { body } = await api.get('/api/v1/fields');
    const fields = body['fields'] as Record<string, unknown>[];
    expect(fields.map(({ name }) => name)).toEqual(flowFields.map(({ name }) => name));
    expect(fields.find(({ name }) => name === 'src_labels')).toMatchObject({
      variable: 'src.labels',
      type: 'string',
      form: 'labels',
    });
    expect(fields.find(({ name }) => name === 'action')).toMatchObject({
      values: ['allow', 'deny', 'unknown'],
    });
    expect(fields.find(({ name }) => name === 'bytes_out')).toMatchObject({ type: 'number', unit: 'bytes' });
    expect(body['measures']).toContain('bytes');
  });

  it('of DNS lookups are selected by `table`', async () => {
    const { body } = await api.get('/api/v1/fields?table=dns');
    expect(body['measures']).toContain('query_name');
    expect(body['measures']).not.toContain('bytes');
  });
});

describe('the values of a field', () => {
  it.each<[string, unknown]>([
    ['src.namespace', ['blog', 'shop']],
    ['src_name', ['Web-2', 'press', 'web-1']],
    ['dst_port', [80, 443]],
    ['src.ip', ['10.0.0.2', '2001:db8::1']],
    ['src.kind', ['pod']],
    ['primary', [true]],
    ['src.labels', ['app=api', 'app=web', 'tier=front']],
    ['src.labels.app', ['api', 'web']],
    ['src.labels["tier"]', ['front']],
    ['src.network_sets', ['office', 'public']],
    ['dst.domain', []],
  ])('%s are %s', async (field, expected) => {
    expect(await values(field)).toEqual(expected);
  });

  it('are filtered by substring (case-insensitive) and by the filter', async () => {
    expect(await values('src.name', '&containing=WEB')).toEqual(['Web-2', 'web-1']);
    expect(await values('src.name', '&containing=web&filter=dst.port==80')).toEqual(['Web-2']);
  });

  it('can be those of labels with names of maximum length', async () => {
    const label = `${'prefix.'.repeat(36)}x/${'n'.repeat(63)}`;
    expect(await values(`src.labels["${label}"]`)).toEqual([]);
  });

  it('are limited', async () => {
    const target = '/api/v1/fields/src.name/values?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z&limit=1';
    expect((await api.get(target)).body).toEqual({ values: ['Web-2'], truncated: true });
  });

  it('can be those of DNS lookups', async () => {
    expect(await values('query_name', '&table=dns')).toEqual(['a.test']);
  });

  it('are those that are visible to a namespace-scoped user', async () => {
    expect(await values('src.namespace', '', api.as(['blog']))).toEqual(['blog']);
    expect(await values('src.labels', '', api.as(['blog']))).toEqual([]);
  });

  it('of an unknown field are not found', async () => {
    const { status, body } = await api.get('/api/v1/fields/src.nam/values');
    expect(status).toBe(404);
    expect(body['errors']).toMatchObject([{ parameter: 'field', nearest: ['src.name', 'src.namespace'] }]);
  });
});
