import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { calico, networkPolicy } from '@sonde/test/builders/manifests';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API, flow, keep, MINUTE, NOW, pod, startPolicyShop, WEB } from '@sonde/test/fixtures/policy-shop';
import type { TestApi } from '@sonde/test/fixtures/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await startPolicyShop();
});

afterAll(() => api.close());

interface Evaluated {
  readonly verdict: string;
  readonly egress: { trace: string[] };
  readonly ingress: { trace: string[] };
  readonly pending: { verdict: string };
  readonly notes: string[];
  readonly ends: { to: { address: string; labels: string }[] };
}

async function evaluated(
  connection: object,
  more: object = {},
  who: Pick<TestApi, 'post'> = api,
): Promise<Evaluated> {
  const body = { connections: [{ port: 8080, ...connection }], ...more };
  const answer = await who.post('/api/v1/policies/evaluate', body);
  expect(answer.text).toContain('"connections"');
  return (answer.body['connections'] as Evaluated[])[0] as Evaluated;
}

describe('an evaluation', () => {
  it('reports whether one workload can reach another, and by which policies', async () => {
    expect(await evaluated({ from: 'shop/web', to: 'shop/api' })).toMatchObject({
      verdict: 'allow',
      egress: {
        verdict: 'allow',
        trace: ['0|security|gnp:security.pass|pass|0', '1|__PROFILE__|pro:kns.shop|allow|0'],
      },
      ingress: { verdict: 'allow', trace: ['0|default|knp:shop/api|allow|0'] },
      ends: { to: [{ kind: 'pod', namespace: 'shop', labels: 'app=api', address: '10.0.0.2' }] },
    });
    expect((await evaluated({ from: 'infra/scanner', to: 'shop/api' })).verdict).toBe('deny');
    expect((await evaluated({ from: 'shop/web', to: 'shop/api', port: 9090 })).verdict).toBe('deny');
  });

  it('covers connections that never occurred, in both directions', async () => {
    const { verdict, ingress } = await evaluated({ from: 'shop/api', to: 'secret/vault' });
    expect([verdict, ingress.trace]).toEqual(['deny', ['0|default|knp:secret/vault|deny|-1']]);
  });

  it('accepts pods, addresses, services and domain names', async () => {
    const verdicts = async (from: string, to: string, port = 8080) =>
      (await evaluated({ from, to, port })).verdict;
    expect(await verdicts('shop/web-0', '10.0.0.2')).toBe('allow');
    expect(await verdicts('10.0.0.9', 'shop/api-0')).toBe('deny');
    expect(await verdicts('shop/web', '10.96.0.1', 80)).toBe('allow');
    expect(await verdicts('infra/scanner', 'service/shop/api', 80)).toBe('deny');
    expect(await verdicts('shop/web', 'api.example.com', 443)).toBe('allow');
    expect((await evaluated({ from: 'shop/web', to: 'API.example.com.', port: 443 })).ends.to).toMatchObject([
      { kind: 'external', address: '203.0.113.5' },
    ]);
  });

  it('uses the policies at the end of the time range', async () => {
    const then = (minutes: number) => new Date(NOW - minutes * MINUTE).toISOString();
    const early = { start_time: NOW - 36 * MINUTE, end_time: NOW - 35 * MINUTE };
    await api.store.insert({ flows: enrichedFlows([flow({ ...WEB, ...API, ...early, dst_port: 9090 })]) });
    const at = async (minutes: number) =>
      (await evaluated({ from: 'shop/web', to: 'shop/api' }, { from: then(90), to: then(minutes) })).verdict;
    // The policy that allows web is half an hour old; before it, everything was denied.
    expect([await at(34), await at(0)]).toEqual(['deny', 'allow']);
  });

  it('reports the verdict with staged policies enforced', async () => {
    const staged = calico('StagedNetworkPolicy', 'shop/default.web', {
      ...{ order: 1, selector: "app == 'web'", types: ['Egress'], egress: [{ action: 'Deny' }] },
    });
    await keep(api, [staged], 1);
    const { verdict, pending } = await evaluated({ from: 'shop/web', to: 'shop/api' });
    expect([verdict, pending.verdict]).toEqual(['allow', 'deny']);
    await keep(api, [staged], 0, { deleted: true });
  });

  it.each([
    [{ from: 'shop/nobody', to: 'shop/api' }, /connections\/0\/from: no flow .* has a workload or pod/],
    [{ from: 'shop/web', to: 'nowhere.example' }, /connections\/0\/to: is not a/],
    [{ from: 'shop/web', to: 'service/shop/nothing' }, /to: there is no service/],
    [{ from: 'shop/web', to: 'shop/api', protocol: 'X' }, /connections\/0\/protocol: is not/],
    [{ from: 'shop/web', to: 'shop/api', port: undefined }, /connections\/0\/port: is required/],
  ])('rejects %j with the reason', async (connection, reason) => {
    const answer = await api.post('/api/v1/policies/evaluate', { connections: [{ port: 1, ...connection }] });
    expect(answer.status).toBe(400);
    expect(answer.body['detail']).toMatch(reason);
  });

  it('hides endpoints of other namespaces from a namespace-scoped user', async () => {
    const reader = api.as(['shop']);
    const own = await evaluated({ from: 'shop/web', to: 'shop/api' }, {}, reader);
    expect(own.verdict).toBe('allow');
    expect(own.egress.trace).toEqual(['0|__PROFILE__|pro:kns.shop|allow|0']);
    expect(own.notes).toContainEqual(expect.stringContaining('may not see'));
    const refused = await reader.post('/api/v1/policies/evaluate', {
      connections: [
        { from: 'infra/scanner', to: 'shop/api', port: 8080 },
        { from: '10.0.0.9', to: 'shop/api', port: 8080 },
      ],
    });
    expect([refused.status, refused.text.match(/may not see|no flow of the time range/g)]).toEqual([
      400,
      expect.arrayContaining(['may not see', 'no flow of the time range']),
    ]);
  });
});

describe('an evaluation of names with many endpoints', () => {
  const KINDS = 400;
  const connection = { from: 'big/work', to: 'big/work', port: 8080 };

  beforeAll(async () => {
    const kinds = Array.from({ length: KINDS }, (_, number) =>
      flow({
        ...{ ...pod('src', 'big/work', `10.1.${number >> 8}.${number & 255}`), src_labels: `n=${number}` },
        ...{ dst_kind: 'external', dst_ip: '203.0.113.77', dst_port: 443 },
      }),
    );
    await api.store.insert({ flows: enrichedFlows(kinds) });
  });

  it('merges endpoints that no policy distinguishes', async () => {
    const { verdict, ends } = await evaluated(connection);
    expect([verdict, ends.to.length]).toEqual(['allow', KINDS]);
  });

  it('rejects too many endpoints and too many pairs', async () => {
    const detailOf = async (connections: object[]) => {
      const answer = await api.post('/api/v1/policies/evaluate', { connections });
      return [answer.status, answer.body['detail']];
    };
    expect(await detailOf(Array.from({ length: 100 }, () => connection))).toEqual([
      400,
      'connections: they resolve to 80000 endpoints; the limit is 50000: request fewer connections at a time, or a shorter time range',
    ]);
    const expression = { key: 'n', operator: 'In', values: ['0'] };
    await keep(api, [networkPolicy('big/n', { podSelector: { matchExpressions: [expression] } })], 1);
    expect(await detailOf([connection])).toEqual([
      400,
      'connections: they have 160000 distinct pairs of endpoints; the limit is 100000: request fewer connections at a time, or a shorter time range',
    ]);
    expect((await evaluated({ ...connection, to: 'shop/api' })).verdict).toBe('deny');
  });
});

describe('the policies applying to a workload', () => {
  it('select its pods, in evaluation order', async () => {
    const { body } = await api.get('/api/v1/policies/applying?namespace=shop&name=api');
    expect(body['pods']).toMatchObject([
      {
        labels: 'app=api',
        applying: [
          {
            direction: 'egress',
            tier: 'security',
            policy: 'gnp:security.pass',
            staged: false,
            tierDefault: 'pass',
          },
          { direction: 'ingress', tier: 'default', policy: 'knp:shop/api', order: 1000, rules: 1 },
        ],
      },
    ]);
  });

  it('are not reported for an unknown or hidden workload', async () => {
    expect((await api.get('/api/v1/policies/applying?namespace=shop&name=nobody')).status).toBe(404);
    const reader = api.as(['shop']);
    expect((await reader.get('/api/v1/policies/applying?namespace=infra&name=scanner')).status).toBe(404);
    expect((await reader.get('/api/v1/policies/applying?namespace=shop&name=api')).text).not.toContain(
      'security.pass',
    );
  });
});
