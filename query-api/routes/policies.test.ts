import { enrichedFlows, type FlowRow } from '@sonde/model/flow/build-enriched';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { manifestText } from '@sonde/model/policy/history/version';
import { calico, namespace, networkPolicy } from '@sonde/model/policy/manifests/build';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../testing/test-api.js';

const NOW = Date.now();
const MINUTE = 60_000;

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
  const named = (name: string) => namespace(name, { 'kubernetes.io/metadata.name': name });
  await keep(['shop', 'infra', 'secret'].map(named), 60);
  await keep([calico('Tier', 'security', { order: 10, defaultAction: 'Pass' })], 50);
  await keep(
    [calico('GlobalNetworkPolicy', 'security.pass', { tier: 'security', egress: [{ action: 'Pass' }] })],
    45,
  );
  await keep([networkPolicy('shop/api', { podSelector: { matchLabels: { app: 'api' } } })], 40);
  await keep([API_POLICY], 30, 'alice');
  await keep([networkPolicy('secret/vault', { podSelector: {} })], 20, 'mallory');
  await keep([networkPolicy('shop/gone', { podSelector: {} })], 15);
  await keep([networkPolicy('shop/gone', { podSelector: {} })], 10, '', true);
  await api.store.insert({ flows: enrichedFlows(FLOWS) });
});

afterAll(() => api.close());

let versions = 0;

/** Keeps objects as they became so many minutes ago. */
async function keep(
  objects: readonly KubernetesObject[],
  minutesAgo: number,
  changedBy = '',
  deleted = false,
  cluster = 'main',
): Promise<void> {
  await api.store.insertObjects(
    objects.map((object) => ({
      ...{ cluster, apiVersion: object.apiVersion, kind: object.kind, name: object.metadata.name },
      ...{ namespace: object.metadata.namespace ?? '', version: String(++versions), deleted, changedBy },
      ...{ changedAtMs: NOW - minutesAgo * MINUTE, manifest: manifestText(object) },
    })),
  );
}

/** Lets the web pods in on 8080, and nobody else. */
const API_POLICY = networkPolicy('shop/api', {
  podSelector: { matchLabels: { app: 'api' } },
  ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 8080 }] }],
});

const pod = (end: 'src' | 'dst', place: string, ip: string): FlowRow => {
  const [own = '', workload = ''] = place.split('/');
  return Object.fromEntries(
    Object.entries({
      ...{ kind: 'pod', namespace: own, workload, name: `${workload}-0`, labels: `app=${workload}` },
      ...{ service_account: 'default', ip, node: `node-${workload}` },
    }).map(([field, value]) => [`${end}_${field}`, value]),
  );
};

const WEB = pod('src', 'shop/web', '10.0.0.1');
const API = pod('dst', 'shop/api', '10.0.0.2');

let offset = 0;
function flow(fields: FlowRow): FlowRow {
  return {
    ...{ start_time: NOW - 5 * MINUTE + offset, end_time: NOW - 4 * MINUTE + offset, cluster: 'main' },
    ...{ primary: true, protocol: 6, src_port: 40_000 + offset, tcp_flags: 2, connections_started: 1 },
    ...{
      bytes_out: 60,
      bytes_in: 40,
      packets_out: 1,
      packets_in: 1,
      action: 'allow',
      transport_offset: offset++,
    },
    ...{ evidence: 'delivered', rtt_us: 250 },
    ...fields,
  };
}

const ALLOWED =
  '0|security|gnp:security.pass|pass|0,1|__PROFILE__|pro:kns.shop|allow|0,0|default|knp:shop/api|allow|0';
const DENIED = '0|__PROFILE__|pro:kns.infra|allow|0,0|default|knp:shop/api|deny|-1';

/** A trace that ends with the server's policy denying it. */
const LAST_DENY = expect.arrayContaining(['0|default|knp:shop/api|deny|-1']) as string[];

const FLOWS: FlowRow[] = [
  flow({ ...WEB, ...API, dst_port: 8080, policies: ALLOWED, pending_policies: ALLOWED }),
  flow({ ...WEB, ...API, dst_port: 8080, policies: ALLOWED, pending_policies: ALLOWED }),
  // The same connection as the server's node saw it.
  flow({ ...WEB, ...API, dst_port: 8080, policies: ALLOWED, pending_policies: ALLOWED, primary: false }),
  flow({
    ...{ ...pod('src', 'infra/scanner', '10.0.0.9'), ...API, dst_port: 8080, action: 'deny' },
    ...{ policies: DENIED, pending_policies: DENIED, evidence: 'dropped', bytes_in: 0, packets_in: 0 },
  }),
  flow({
    ...{ ...WEB, dst_kind: 'external', dst_ip: '203.0.113.5', dst_port: 443, dst_domain: 'api.example.com' },
    ...{
      policies: '0|__PROFILE__|pro:kns.shop|allow|0',
      pending_policies: '0|__PROFILE__|pro:kns.shop|allow|0',
    },
  }),
  flow({
    ...WEB,
    dst_kind: 'service',
    dst_namespace: 'shop',
    dst_name: 'api',
    dst_ip: '10.96.0.1',
    dst_port: 80,
    action: 'unknown',
  }),
  flow({
    ...pod('src', 'secret/vault', '10.0.0.7'),
    ...API,
    dst_port: 8080,
    action: 'deny',
    policies: DENIED.replace('infra', 'secret'),
  }),
];

interface Board {
  readonly tiers: {
    name: string;
    policies: { name: string; hits: { actions: object }; neverHit: boolean }[];
  }[];
  readonly others: { place: string }[];
}

describe('the board', () => {
  it('has the policies of now in the order of evaluation, with what they did, each connection once', async () => {
    const { status, body } = await api.get('/api/v1/policies');
    expect(status).toBe(200);
    const board = body as unknown as Board;
    expect(board.tiers.map(({ name, policies }) => [name, policies.map((policy) => policy.name)])).toEqual([
      ['security', ['security.pass']],
      ['default', ['api', 'vault']],
    ]);
    const [first, vault] = board.tiers[1]?.policies ?? [];
    expect(first?.hits.actions).toEqual({
      allow: { flows: 2, connections: 2, bytes: 200 },
      deny: { flows: 2, connections: 2, bytes: 160 },
    });
    expect([first?.neverHit, vault?.neverHit]).toEqual([false, true]);
    expect(board.others.map(({ place }) => place)).toContain('__PROFILE__|pro:kns.shop');
  });

  it('counts only flows of the time range and the filter', async () => {
    const hits = async (query: string) => {
      const { body } = await api.get(`/api/v1/policies?${query}`);
      const policies = (body as unknown as Board).tiers.flatMap(({ policies }) => policies);
      return policies.find(({ name }) => name === 'api')?.hits.actions;
    };
    expect(await hits('from=-1m')).toEqual({});
    expect(
      await hits(`filter=${encodeURIComponent('action == "deny" && src.namespace == "infra"')}`),
    ).toEqual({
      deny: { flows: 1, connections: 1, bytes: 60 },
    });
  });

  it('shows who may view some namespaces only their policies', async () => {
    const { text } = await api.as(['shop']).get('/api/v1/policies');
    const board = JSON.parse(text) as Board;
    expect(board.tiers.map(({ name, policies }) => [name, policies.map((policy) => policy.name)])).toEqual([
      ['security', []],
      ['default', ['api']],
    ]);
    expect(text).not.toMatch(/vault|secret/);
  });
});

describe('changes of policies', () => {
  it('are told with time, user and difference, the latest first', async () => {
    const { body } = await api.get('/api/v1/policies/changes?namespace=shop');
    const changes = body['changes'] as Record<string, string>[];
    expect(changes.map(({ name, change, user }) => [name, change, user])).toEqual([
      ['gone', 'deleted', undefined],
      ['gone', 'created', undefined],
      ['api', 'changed', 'alice'],
      ['api', 'created', undefined],
    ]);
    expect(changes[2]?.['time']).toBe(new Date(NOW - 30 * MINUTE).toISOString());
    expect(changes[2]?.['diff']).toMatch(
      /^--- a\/NetworkPolicy\/shop\/api\n\+\+\+ b\/NetworkPolicy\/shop\/api\n@@ .* @@\n(.*\n)*\+ {2}ingress:\n/,
    );
    expect(changes[3]?.['diff']).toMatch(/^--- \/dev\/null\n\+\+\+ b\/NetworkPolicy\/shop\/api\n/);
    expect(changes[0]?.['diff']).toContain('+++ /dev/null');
  });

  it('are those of the time range, and of what is looked for', async () => {
    const names = async (query: string) => {
      const { body } = await api.get(`/api/v1/policies/changes?${query}`);
      return (body['changes'] as Record<string, string>[]).map(
        ({ kind, name }) => `${kind ?? ''} ${name ?? ''}`,
      );
    };
    expect(await names('from=-35m&to=-25m')).toEqual(['NetworkPolicy api']);
    expect(await names('kind=Tier')).toEqual(['Tier security']);
    expect(await names('kind=Namespace&name=infra')).toEqual(['Namespace infra']);
    expect(await names('limit=1')).toEqual(['NetworkPolicy gone']);
  });

  it('of other namespaces are not told', async () => {
    const { text } = await api.as(['shop']).get('/api/v1/policies/changes');
    expect(text).toContain('alice');
    expect(text).not.toMatch(/vault|secret|mallory/);
  });
});

interface Changes {
  readonly flows: number;
  readonly summary: unknown[];
  readonly changes: {
    source: Record<string, string>;
    destination: Record<string, string>;
    port: number;
    flows: number;
  }[];
  readonly notJudged: { reason: string; flows: number }[];
}

async function previewed(body: object, who: Pick<TestApi, 'post'> = api): Promise<Changes> {
  const answer = await who.post('/api/v1/policies/preview', body);
  expect(answer.text).toContain('"changes"');
  return answer.body as unknown as Changes;
}

describe('a preview', () => {
  it('of nothing changes nothing, and says what cannot be judged', async () => {
    const { changes, flows, notJudged } = await previewed({});
    expect([changes, flows]).toEqual([[], 5]);
    expect(notJudged).toEqual([{ reason: expect.stringContaining('service') as string, flows: 1 }]);
  });

  it('of a removal gives the flows that would be let through', async () => {
    const { changes, summary } = await previewed({
      remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'api' }],
    });
    expect(summary).toEqual([{ before: 'deny', after: 'allow', flows: 2, connections: 2, bytes: 160 }]);
    expect(changes).toMatchObject([
      {
        source: { kind: 'pod', namespace: 'infra', workload: 'scanner' },
        destination: { namespace: 'shop', workload: 'api' },
        port: 8080,
        before: { verdict: 'deny', policies: LAST_DENY },
        after: { verdict: 'allow' },
        example: { src_ip: '10.0.0.9', dst_ip: '10.0.0.2', src_name: 'scanner-0' },
      },
      { source: { kind: 'pod', namespace: 'secret', workload: 'vault' } },
    ]);
  });

  it('of an addition gives the flows that would be denied, whether it comes as text or as object', async () => {
    const deny = networkPolicy('shop/web', {
      podSelector: { matchLabels: { app: 'web' } },
      policyTypes: ['Egress'],
    });
    const asObject = await previewed({ apply: [deny] });
    expect(asObject.summary).toEqual([
      { before: 'allow', after: 'deny', flows: 3, connections: 3, bytes: 300 },
    ]);
    expect(asObject.changes.map(({ port, flows }) => [port, flows])).toEqual([
      [8080, 2],
      [443, 1],
    ]);
    const asText = await previewed({
      manifests: [
        'apiVersion: networking.k8s.io/v1',
        'kind: NetworkPolicy',
        'metadata: { name: web, namespace: shop }',
        'spec: { podSelector: { matchLabels: { app: web } }, policyTypes: [Egress] }',
      ].join('\n'),
    });
    expect(asText.changes).toEqual(asObject.changes);
  });

  it('judges by addresses, and by domain names that flows had', async () => {
    const egress = (destination: object) => ({
      apply: [
        calico('GlobalNetworkPolicy', 'security.egress', {
          ...{ tier: 'security', order: 1, selector: "app == 'web'", types: ['Egress'] },
          egress: [{ action: 'Allow', destination }, { action: 'Deny' }],
        }),
      ],
    });
    const ports = async (destination: object) =>
      (await previewed(egress(destination))).changes.map(({ port }) => port).sort();
    expect(await ports({ nets: ['203.0.113.0/24'] })).toEqual([8080]);
    expect(await ports({ nets: ['203.0.113.6/32', '10.0.0.0/8'] })).toEqual([443]);
    expect(await ports({ domains: ['*.example.com'] })).toEqual([8080]);
  });

  it('counts staged policies where that is asked for', async () => {
    const staged = calico('StagedNetworkPolicy', 'shop/default.web', {
      ...{ order: 1, selector: "app == 'web'", types: ['Egress'], egress: [{ action: 'Deny' }] },
    });
    expect((await previewed({ apply: [staged] })).summary).toEqual([]);
    expect((await previewed({ apply: [staged], staged: 'enforced' })).summary).toHaveLength(1);
  });

  it('lists no more than is asked for, and says how many it left out', async () => {
    const deny = networkPolicy('shop/web', { podSelector: {}, policyTypes: ['Egress'] });
    const { body } = await api.post('/api/v1/policies/preview', { apply: [deny], limit: 1 });
    expect(body).toMatchObject({ changes: [{ port: 8080 }], more: 1 });
  });

  it.each([
    [{ manifests: 'a: [' }, /manifests: line 1: /],
    [{ manifests: '&a [*a, *a]' }, /manifests/],
    [{ manifests: 'x: &a [1]\n'.repeat(2) }, /manifests/],
    [
      { apply: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x' } }] },
      /do not depend on Deployment/,
    ],
    [
      { apply: [networkPolicy('shop/x', { podSelector: {}, moons: 1 })] },
      /apply\/0: NetworkPolicy\/shop\/x: spec\.moons/,
    ],
    [
      { remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'nothing' }] },
      /remove\/0: there is no such object/,
    ],
    [{ cluster: 'elsewhere' }, /no policies of a cluster "elsewhere"/],
    [{ filter: 'src.moon == 1' }, /filter/],
  ])('refuses %j and says why', async (body, reason) => {
    const answer = await api.post('/api/v1/policies/preview', body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body['detail']).toMatch(reason);
  });

  it('tells who may view some namespaces nothing of flows with others', async () => {
    const reader = api.as(['shop']);
    const change = { remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'api' }] };
    const { changes, notJudged } = await previewed(change, reader);
    expect(changes).toEqual([]);
    expect(notJudged).toContainEqual({ reason: expect.stringContaining('may not see') as string, flows: 2 });
    const other = await reader.post('/api/v1/policies/preview', {
      remove: [{ kind: 'NetworkPolicy', namespace: 'secret', name: 'vault' }],
    });
    expect(other.body['detail']).toBe('remove/0: there is no such object');
  });
});

describe('a suggestion', () => {
  const body = { namespace: 'shop', filter: 'src.namespace != "infra"' };

  it('allows what was observed, by workload, and says what each rule is for', async () => {
    const answer = await api.post('/api/v1/policies/suggest', body);
    const policies = answer.body['policies'] as {
      workload: string;
      manifest: KubernetesObject;
      rules: object[];
    }[];
    expect(policies.map(({ manifest }) => manifest.metadata.name)).toEqual([
      'suggested-api',
      'suggested-web',
      'suggested-default-deny',
    ]);
    expect(policies[0]).toMatchObject({
      manifest: {
        spec: {
          podSelector: { matchLabels: { app: 'api' } },
          ingress: [
            {
              from: [{ podSelector: { matchLabels: { app: 'web' } } }],
              ports: [{ protocol: 'TCP', port: 8080 }],
            },
          ],
        },
      },
      rules: [{ direction: 'ingress', index: 0, flows: 2, connections: 2, bytes: 200 }],
    });
    expect(answer.body['yaml']).toMatch(/# from shop\/web, TCP: 2 connections in 2 flows, 200 bytes; \d{4}-/);
  });

  it('as previewed leaves every observed flow allowed', async () => {
    for (const dialect of ['kubernetes', 'calico']) {
      const suggested = await api.post('/api/v1/policies/suggest', { ...body, dialect });
      const { changes } = await previewed({ manifests: suggested.body['yaml'] });
      expect(changes).toEqual([]);
    }
  });

  it('suggests nothing for a namespace of which nothing was seen, or may be seen', async () => {
    const nothing = { policies: [], notCovered: [], yaml: '' };
    expect((await api.post('/api/v1/policies/suggest', { namespace: 'nowhere' })).body).toMatchObject(
      nothing,
    );
    const reader = api.as(['shop']);
    expect((await reader.post('/api/v1/policies/suggest', { namespace: 'infra' })).body).toMatchObject(
      nothing,
    );
  });
});

describe('where there are several clusters', () => {
  it('one must be named', async () => {
    await keep([namespace('shop')], 5, '', false, 'other');
    const { status, body } = await api.get('/api/v1/policies');
    expect([status, body['detail']]).toEqual([400, 'cluster: is needed, for there are several: main, other']);
    expect((await api.get('/api/v1/policies?cluster=other')).body).toMatchObject({ cluster: 'other' });
  });
});
