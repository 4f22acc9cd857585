import { calico, namespace } from '@sonde/test/builders/manifests';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keep, startPolicyShop } from '@sonde/test/fixtures/policy-shop';
import type { TestApi } from '@sonde/test/fixtures/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await startPolicyShop();
});

afterAll(() => api.close());

interface Board {
  readonly tiers: {
    name: string;
    policies: {
      name: string;
      hits: {
        actions: object;
        rules: { direction: string; rule: number; action: string; flows: number }[];
      };
      neverHit: boolean;
    }[];
  }[];
  readonly others: { place: string }[];
}

describe('the activity of policies', () => {
  it('lists the current policies in evaluation order, and counts each connection once', async () => {
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

  it('distinguishes egress at the client from ingress at the server', async () => {
    const { body } = await api.get('/api/v1/policies');
    const rules = (name: string) =>
      (body as unknown as Board).tiers
        .flatMap(({ policies }) => policies)
        .find((policy) => policy.name === name)
        ?.hits.rules.map(({ direction, rule, action, flows }) => `${direction} ${rule} ${action} ${flows}`);
    expect(rules('security.pass')).toEqual(['egress 0 pass 2']);
    expect(rules('api')).toEqual(['ingress -1 deny 2', 'ingress 0 allow 2']);
    // Without access to the client, only the steps of the server are visible.
    const reader = (await api.as(['shop']).get('/api/v1/policies')).body as unknown as Board;
    expect(reader.tiers[1]?.policies[0]?.hits.rules.map(({ direction }) => direction)).toEqual([
      'ingress',
      'ingress',
    ]);
  });

  it('counts only flows in the time range that match the filter', async () => {
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

  it('lists only the policies of the namespaces that the client has access to', async () => {
    const { text } = await api.as(['shop']).get('/api/v1/policies');
    const board = JSON.parse(text) as Board;
    expect(board.tiers.map(({ name, policies }) => [name, policies.map((policy) => policy.name)])).toEqual([
      ['security', []],
      ['default', ['api']],
    ]);
    expect(text).not.toMatch(/vault|secret/);
  });
});

describe('with several clusters', () => {
  it('the cluster is required', async () => {
    await keep(api, [namespace('shop')], 5, { cluster: 'other' });
    const { status, body } = await api.get('/api/v1/policies');
    expect([status, body['detail']]).toEqual([
      400,
      'cluster: is required, because there are several: main, other',
    ]);
    expect((await api.get('/api/v1/policies?cluster=other')).body).toMatchObject({ cluster: 'other' });
  });

  it('only clusters with visible namespaces are named', async () => {
    const tier = calico('Tier', 'security', { order: 10, defaultAction: 'Pass' });
    await keep(api, [namespace('infra'), tier], 5, { cluster: 'third' });
    const answered = async (who: string, query = '') => {
      const { status, body } = await api.as([who]).get(`/api/v1/policies${query}`);
      return [status, body['cluster'] ?? body['detail']];
    };
    expect(await answered('shop')).toEqual([
      400,
      'cluster: is required, because there are several: main, other',
    ]);
    expect(await answered('secret')).toEqual([200, 'main']);
    expect(await answered('secret', '?cluster=third')).toEqual([
      404,
      'no policies of the cluster "third" are known',
    ]);
  });
});
