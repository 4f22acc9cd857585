import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';

const NOW = Date.now();

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  await api.store.insert({ flows: enrichedFlows(FLOWS) });
});

afterAll(() => api.close());

const WEB = { src_kind: 'pod', src_namespace: 'shop', src_workload: 'web', src_ip: '10.0.0.1' } as const;
const API = { dst_kind: 'pod', dst_namespace: 'shop', dst_workload: 'api', dst_ip: '10.0.0.2' } as const;
const BATCH = { src_kind: 'pod', src_namespace: 'jobs', src_workload: 'batch', src_ip: '10.0.0.3' } as const;

let offset = 0;
function flow(fields: FlowRow): FlowRow {
  return {
    ...{ start_time: NOW - 60_000, end_time: NOW - 50_000, primary: true, protocol: 6, action: 'allow' },
    ...{
      evidence: 'delivered',
      connections_started: 1,
      bytes_out: 10,
      bytes_in: 90,
      transport_offset: offset++,
    },
    ...fields,
  };
}

const FLOWS: FlowRow[] = [
  flow({ ...WEB, ...API, dst_port: 8080, rtt_us: 100 }),
  flow({ ...WEB, ...API, dst_port: 8080, rtt_us: 300, retransmits: 2 }),
  flow({ ...WEB, ...API, dst_port: 8080, primary: false }),
  flow({ ...WEB, ...API, dst_port: 9100, evidence: 'refused', bytes_in: 0 }),
  flow({ ...WEB, dst_kind: 'external', dst_ip: '203.0.113.5', dst_domain: 'api.example.com', dst_port: 443 }),
  flow({ ...WEB, dst_kind: 'external', dst_ip: '198.51.100.1', dst_port: 443, bytes_in: 5 }),
  flow({ ...BATCH, ...API, dst_port: 8080, action: 'deny', evidence: 'dropped', bytes_in: 0 }),
];

interface Side {
  readonly health?: Record<string, unknown>;
  readonly peers: Record<string, unknown>[];
  readonly more: boolean;
}

async function workload(
  place: string,
  who: Pick<TestApi, 'get'> = api,
): Promise<{ outbound: Side; inbound: Side }> {
  const { status, body } = await who.get(`/api/v1/workloads/${place}`);
  expect(status).toBe(200);
  return body as unknown as { outbound: Side; inbound: Side };
}

function named({ peers }: Side): string[] {
  return peers.map(({ namespace, name, port }) => `${String(namespace)}/${String(name)} ${String(port)}`);
}

describe('a workload', () => {
  it('has outbound and inbound peers by workload, domain or address', async () => {
    const web = await workload('shop/web');
    expect(named(web.outbound)).toEqual([
      'shop/api 8080',
      '/api.example.com 443',
      '/198.51.100.1 443',
      'shop/api 9100',
    ]);
    expect(web.inbound).toEqual({ peers: [], more: false });
    expect(named((await workload('shop/api')).inbound)).toEqual([
      'shop/web 8080',
      'jobs/batch 8080',
      'shop/web 9100',
    ]);
  });

  it('has the health of its connections, each counted once', async () => {
    const { outbound, inbound } = await workload('shop/api');
    expect(outbound.health).toBeUndefined();
    expect(inbound.health).toEqual({
      ...{ flows: 4, connections: 4, bytes: 220, denied: 1, dropped: 1, refused: 1, unanswered: 0 },
      ...{ retransmits: 2, rttMicros: { p50: 200, p95: 290 }, last: new Date(NOW - 50_000).toISOString() },
    });
    expect(inbound.peers[2]).toMatchObject({ refused: 1, bytes: 10 });
    expect(inbound.peers[2]).not.toHaveProperty('rttMicros');
  });

  it('that is unknown or in a hidden namespace is not found', async () => {
    const nothing = await api.get('/api/v1/workloads/shop/nothing');
    expect([nothing.status, nothing.body['detail']]).toEqual([
      404,
      'workload shop/nothing has no flows in the time range',
    ]);
    const hidden = await api.as(['shop']).get('/api/v1/workloads/jobs/batch');
    expect([hidden.status, hidden.body['detail']]).toEqual([
      404,
      'workload jobs/batch has no flows in the time range',
    ]);
  });

  it('can have a name of maximum length', async () => {
    const answer = await api.get(`/api/v1/workloads/shop/${'w'.repeat(253)}`);
    expect(answer.status).toBe(404);
    expect((await api.get(`/api/v1/workloads/shop/${'w'.repeat(254)}`)).status).toBe(400);
  });

  it('has peers without names for a client without access to their namespaces', async () => {
    const { inbound } = await workload('shop/api', api.as(['shop']));
    expect(named(inbound)).toEqual(['shop/web 8080', '/10.0.0.3 8080', 'shop/web 9100']);
  });

  it('has a limited number of peers, and further ones are reported', async () => {
    const shown = async (limit: number) => {
      const { outbound } = await workload(`shop/web?limit=${limit}`);
      return [outbound.peers.length, outbound.more];
    };
    expect([await shown(3), await shown(4)]).toEqual([
      [3, true],
      [4, false],
    ]);
  });

  it('covers only flows in the time range that match the filter', async () => {
    expect((await api.get('/api/v1/workloads/shop/web?to=-2m&from=-5m')).status).toBe(404);
    const { body } = await api.get(
      `/api/v1/workloads/shop/web?limit=1&filter=${encodeURIComponent('dst.port == 443')}`,
    );
    expect(named((body as unknown as { outbound: Side }).outbound)).toEqual(['/api.example.com 443']);
  });
});
