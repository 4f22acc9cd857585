import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi, type TestClient } from '@sonde/test/fixtures/test-api';

const DAY = Date.parse('2026-03-01T00:00:00Z');

const web: FlowRow = {
  start_time: DAY,
  primary: true,
  action: 'allow',
  evidence: 'delivered',
  src_kind: 'pod',
  src_namespace: 'shop',
  src_workload: 'web',
  src_zone: 'z1',
  protocol: 6,
};
const toBackend: FlowRow = {
  ...web,
  dst_kind: 'pod',
  dst_namespace: 'shop',
  dst_workload: 'backend',
  dst_zone: 'z2',
  dst_service: 'api',
  dst_service_namespace: 'shop',
  dst_port: 8080,
  connections_started: 2,
};

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  await api.store.insert({
    flows: enrichedFlows([
      { ...toBackend, bytes_out: 100, bytes_in: 900, rtt_us: 100 },
      { ...toBackend, bytes_out: 50, rtt_us: 300, action: 'deny', evidence: 'refused', contradiction: true },
      { ...toBackend, primary: false, bytes_out: 100 },
      { ...toBackend, protocol: 1, dst_port: 0, icmp_type: 8, connections_started: 0 },
      { ...toBackend, protocol: 17, dst_port: 53, connections_started: 0 },
      { ...web, dst_kind: 'external', dst_domain: 'www.example.com', bytes_out: 10, dst_port: 443 },
      { ...web, dst_kind: 'external', dst_address_class: 'private', bytes_out: 9 },
      { ...web, dst_kind: 'network_set', dst_name: 'public', bytes_out: 8 },
      { ...web, dst_kind: 'node', dst_name: 'node-a', bytes_out: 7 },
      { ...web, dst_kind: 'service', dst_namespace: 'blog', dst_name: 'posts', bytes_out: 6 },
      { ...web, dst_kind: 'pod', dst_namespace: 'blog', dst_name: 'alone', bytes_out: 5 },
    ]),
  });
});

afterAll(() => api.close());

interface Graph {
  nodes: { id: string; bytesSent: number; bytesReceived: number }[];
  edges: Record<string, unknown>[];
  truncated: boolean;
}

async function graph(query = '', who: TestClient = api): Promise<Graph> {
  const range = 'from=2026-03-01T00:00:00Z&to=2026-03-01T00:01:40Z';
  const { status, body } = await who.get(`/api/v1/graph?${range}${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return body as unknown as Graph;
}

/** The targets of the edges. */
async function targets(query: string, who: TestClient = api): Promise<unknown[]> {
  return (await graph(query, who)).edges.map((edge) => edge['target']);
}

describe('a graph', () => {
  it('has edges with volume, health, ports and verdicts', async () => {
    const { edges } = await graph('&limit=1');
    expect(edges).toEqual([
      {
        source: 'workload/shop/web',
        target: 'workload/shop/backend',
        flows: 4,
        connections: 4,
        bytesOut: 150,
        bytesIn: 900,
        bytesOutPerSecond: 1.5,
        bytesInPerSecond: 9,
        connectionsPerSecond: 0.04,
        allowed: 3,
        denied: 1,
        unknown: 0,
        contradictions: 1,
        errors: 1,
        droppedPackets: 0,
        retransmits: 0,
        rttMeanMicros: 200,
        rttP95Micros: expect.any(Number) as number,
        ports: [{ protocol: 1 }, { protocol: 6, port: 8080 }, { protocol: 17, port: 53 }],
      },
    ]);
  });

  it('has each node once, with the bytes of its edges', async () => {
    const { nodes } = await graph();
    expect(nodes.find(({ id }) => id === 'workload/shop/web')).toEqual({
      id: 'workload/shop/web',
      kind: 'workload',
      namespace: 'shop',
      name: 'web',
      bytesSent: 195,
      bytesReceived: 900,
    });
    expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
  });

  it('groups by workload, and names endpoints without one otherwise', async () => {
    expect(await targets('')).toEqual([
      'workload/shop/backend',
      'external/www.example.com',
      'external/private',
      'network_set/public',
      'node/node-a',
      'service/blog/posts',
      'workload/blog/alone',
    ]);
  });

  it('groups by service, namespace or zone', async () => {
    expect((await targets('&level=service'))[0]).toBe('service/shop/api');
    expect(await targets('&level=namespace')).toEqual([
      'namespace/shop',
      'namespace/blog',
      'external/www.example.com',
      'external/private',
      'network_set/public',
      'node/node-a',
    ]);
    expect((await targets('&level=zone'))[0]).toBe('zone/z2');
  });

  it('returns the edges with the most bytes, and reports further ones', async () => {
    expect(await graph('&limit=2')).toMatchObject({ truncated: true, edges: { length: 2 } });
    expect(await graph('&limit=7')).toMatchObject({ truncated: false, edges: { length: 7 } });
  });

  it('contains the flows that match the filter, every record with `records=all`', async () => {
    expect(await targets('&filter=dst.port==443')).toEqual(['external/www.example.com']);
    expect((await graph('&records=all&limit=1')).edges[0]).toMatchObject({ flows: 5 });
  });

  it('hides the endpoints of other namespaces from a namespace-scoped user', async () => {
    const { edges, nodes } = await graph('', api.as(['blog']));
    expect(edges.map(({ source, target }) => [source, target])).toEqual([
      ['hidden/', 'service/blog/posts'],
      ['hidden/', 'workload/blog/alone'],
    ]);
    expect(JSON.stringify(nodes)).not.toContain('shop');
  });
});
