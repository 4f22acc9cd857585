import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPolicyShop } from '../testing/policy-shop.js';
import type { TestApi } from '../testing/test-api.js';

let api: TestApi;

beforeAll(async () => {
  api = await startPolicyShop();
});

afterAll(() => api.close());

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
      const previewed = await api.post('/api/v1/policies/preview', { manifests: suggested.body['yaml'] });
      expect(previewed.body['changes']).toEqual([]);
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
