import { calico, manifest, networkPolicy } from '@sonde/test/builders/manifests';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrichedFlows, type FlowRow } from '@sonde/test/builders/enriched-flows';
import { flow, keep, pod, startPolicyShop, WEB } from '@sonde/test/fixtures/policy-shop';
import type { TestApi } from '@sonde/test/fixtures/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await startPolicyShop();
});

afterAll(() => api.close());

/** A trace that ends with a denial by the policy of the server. */
const LAST_DENY = expect.arrayContaining(['0|default|knp:shop/api|deny|-1']) as string[];

interface Changes {
  readonly flows: number;
  readonly summary: unknown[];
  readonly changes: {
    source: Record<string, string>;
    destination: Record<string, string>;
    port: number;
    flows: number;
  }[];
  readonly notEvaluated: { reason: string; flows: number }[];
}

async function previewed(body: object, who: Pick<TestApi, 'post'> = api): Promise<Changes> {
  const answer = await who.post('/api/v1/policies/preview', body);
  expect(answer.text).toContain('"changes"');
  return answer.body as unknown as Changes;
}

describe('a preview', () => {
  it('without a change reports no flows, and what cannot be evaluated', async () => {
    const { changes, flows, notEvaluated } = await previewed({});
    expect([changes, flows]).toEqual([[], 5]);
    expect(notEvaluated).toEqual([{ reason: expect.stringContaining('service') as string, flows: 1 }]);
  });

  it('of a removal lists the flows that would be allowed', async () => {
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

  it('of an addition lists the flows that would be denied, for YAML and for objects', async () => {
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

  it('evaluates addresses and the domain names of flows', async () => {
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

  it('enforces staged policies on request', async () => {
    const staged = calico('StagedNetworkPolicy', 'shop/default.web', {
      ...{ order: 1, selector: "app == 'web'", types: ['Egress'], egress: [{ action: 'Deny' }] },
    });
    expect((await previewed({ apply: [staged] })).summary).toEqual([]);
    expect((await previewed({ apply: [staged], staged: 'enforced' })).summary).toHaveLength(1);
  });

  it('is limited, and reports the number of further flows', async () => {
    const deny = networkPolicy('shop/web', { podSelector: {}, policyTypes: ['Egress'] });
    const { body } = await api.post('/api/v1/policies/preview', { apply: [deny], limit: 1 });
    expect(body).toMatchObject({ changes: [{ port: 8080 }], more: 1 });
  });

  it.each([
    [{ manifests: 'a: [' }, /manifests: line 1: /],
    [{ manifests: '&a [*a, *a]' }, /manifests/],
    [{ manifests: 'x: &a [1]\n'.repeat(2) }, /manifests/],
    [{ manifests: `a: &a 1\nb: [${'*a,'.repeat(20_000)}]` }, /manifests: line 2: .*more than 100 aliases/],
    [{ manifests: `a: &a 1\nb: [${'*a,'.repeat(100_000)}]` }, /manifests: line 2: the document is too large/],
    [{ manifests: `a: [${'x,'.repeat(100_000)}]` }, /manifests: line 1: the document is too large/],
    [{ manifests: 'a: 1\n---\n'.repeat(10_000) }, /9900 more errors/],
    [
      { apply: [networkPolicy('shop/x', {}), networkPolicy('shop/x', { ingress: [] })] },
      /another, different object/,
    ],
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
      /remove\/0: the object does not exist/,
    ],
    [{ cluster: 'elsewhere' }, /no policies of the cluster "elsewhere"/],
    [{ filter: 'src.moon == 1' }, /filter/],
  ])('rejects %.100j with the reason', async (body, reason) => {
    const answer = await api.post('/api/v1/policies/preview', body);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.body['detail']).toMatch(reason);
  });

  it('excludes flows with other namespaces for a namespace-scoped user', async () => {
    const reader = api.as(['shop']);
    const change = { remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'api' }] };
    const { changes, notEvaluated } = await previewed(change, reader);
    expect(changes).toEqual([]);
    expect(notEvaluated).toContainEqual({
      reason: expect.stringContaining('may not see') as string,
      flows: 2,
    });
    const other = await reader.post('/api/v1/policies/preview', {
      remove: [{ kind: 'NetworkPolicy', namespace: 'secret', name: 'vault' }],
    });
    expect(other.body['detail']).toBe('remove/0: the object does not exist');
  });
});

describe('a preview of flows to services', () => {
  const SERVICE: FlowRow = {
    ...{ dst_kind: 'service', dst_namespace: 'shop', dst_name: 'api', dst_ip: '10.96.0.1' },
  };
  const SCANNER = pod('src', 'infra/scanner', '10.0.0.9');
  const removal = { remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'api' }] };

  beforeAll(async () => {
    const toService: FlowRow = {
      ...SERVICE,
      dst_port: 80,
      bytes_in: 0,
      packets_in: 0,
      evidence: 'unanswered',
    };
    await api.store.insert({ flows: enrichedFlows([flow({ ...SCANNER, ...toService, action: 'deny' })]) });
  });

  it('uses the pods behind the service, on their port', async () => {
    const filter = 'dst.kind == "service" && src.workload == "scanner"';
    const { changes, notEvaluated } = await previewed({ ...removal, filter });
    expect(notEvaluated).toEqual([]);
    expect(changes).toMatchObject([
      {
        source: { workload: 'scanner' },
        destination: { kind: 'service' },
        port: 80,
        before: { verdict: 'deny', policies: LAST_DENY },
        after: { verdict: 'allow' },
      },
    ]);
  });

  it('reports flows to unknown services as not evaluated', async () => {
    const { notEvaluated } = await previewed({ ...removal, filter: 'dst.ip == "10.96.0.9"' });
    expect(notEvaluated).toEqual([
      { reason: expect.stringMatching(/service whose backends are unknown/) as string, flows: 1 },
    ]);
  });

  it('uses manual endpoints of services without a selector', async () => {
    const outside = manifest('v1', 'Service', 'shop/outside', {
      clusterIP: '10.96.0.9',
      ports: [{ port: 80 }],
    });
    const labels = { 'kubernetes.io/service-name': 'outside' };
    const slice = {
      ...manifest('discovery.k8s.io/v1', 'EndpointSlice', 'shop/outside-1', {}, labels),
      ...{ ports: [{ port: 8443 }], endpoints: [{ addresses: ['198.51.100.7'] }] },
    };
    const egress = { egress: [{ to: [{ ipBlock: { cidr: '198.51.100.7/32' } }], ports: [{ port: 8443 }] }] };
    const only = networkPolicy('shop/web', { podSelector: { matchLabels: { app: 'web' } }, ...egress });
    const filter = 'dst.ip == "10.96.0.9"';
    // Before the change, the endpoints of the service are unknown.
    expect((await previewed({ apply: [outside, slice, only], filter })).notEvaluated).toMatchObject([
      { flows: 1 },
    ]);
    await keep(api, [outside, slice], 1);
    expect((await previewed({ apply: [only], filter })).notEvaluated).toEqual([]);
    const none = networkPolicy('shop/web', { podSelector: {}, policyTypes: ['Egress'] });
    expect((await previewed({ apply: [none], filter })).summary).toMatchObject([
      { before: 'allow', after: 'deny' },
    ]);
  });

  it('evaluates Calico rules that name services by the labels of their pods', async () => {
    const only = (name: string) => ({
      apply: [
        calico('NetworkPolicy', 'shop/default.web', {
          ...{ order: 1, selector: "app == 'web'", types: ['Egress'] },
          egress: [{ action: 'Allow', destination: { services: { name, namespace: 'shop' } } }],
        }),
      ],
      filter: 'src.workload == "web" && dst.kind == "pod"',
    });
    expect((await previewed(only('api'))).summary).toEqual([]);
    expect((await previewed(only('nothing'))).summary).toMatchObject([
      { before: 'allow', after: 'deny', flows: 2 },
    ]);
    const elsewhere = flow({ ...WEB, ...pod('dst', 'shop/api', '10.0.0.2'), dst_port: 9090, action: 'deny' });
    await api.store.insert({ flows: enrichedFlows([elsewhere]) });
    const filter = 'src.workload == "web" && dst.port == 9090';
    const open = { remove: [{ kind: 'NetworkPolicy', namespace: 'shop', name: 'api' }], filter };
    expect((await previewed(open)).summary).toMatchObject([{ before: 'deny', after: 'allow' }]);
    expect((await previewed({ ...only('api'), ...open })).summary).toEqual([]);
  });
});
