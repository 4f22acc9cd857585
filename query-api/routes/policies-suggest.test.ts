import { enrichedDns, type WrittenDnsRow } from '@sonde/model/dns/build-dns';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MINUTE, NOW, startPolicyShop } from '../testing/policy-shop.js';
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
    for (const dialect of ['kubernetes', 'calico', 'calico-enterprise']) {
      const suggested = await api.post('/api/v1/policies/suggest', { ...body, dialect });
      const previewed = await api.post('/api/v1/policies/preview', { manifests: suggested.body['yaml'] });
      expect(previewed.body['changes']).toEqual([]);
    }
  });

  it('names domains that were looked up, where policies can; else says which domain addresses are', async () => {
    const [lookup] = await api.store.query<{ lookups: string }>('SELECT count() AS lookups FROM dns');
    expect(lookup?.lookups).toBe('0');
    const yaml = async (dialect: string) =>
      String((await api.post('/api/v1/policies/suggest', { ...body, dialect })).body['yaml']);
    // A name of which no look-up is known may come from a TLS handshake, which no policy goes by.
    expect(await yaml('calico-enterprise')).not.toContain('domains:');
    const answered: WrittenDnsRow = {
      query_name: 'api.example.com',
      answers: '203.0.113.5',
      src_namespace: 'shop',
      src_kind: 'pod',
    };
    await api.store.insert({
      dns: enrichedDns([{ ...answered, start_time: NOW - 5 * MINUTE, cluster: 'main' }]),
    });
    expect(await yaml('calico-enterprise')).toMatch(
      / # to api\.example\.com, TCP: .*\n +- action: Allow\n +protocol: TCP\n +destination:\n +domains:\n +- api\.example\.com\n/,
    );
    expect(await yaml('calico')).toMatch(
      / # to api\.example\.com, TCP: (.*\n){4} +nets:\n +- 203\.0\.113\.5\/32\n/,
    );
    expect(await yaml('kubernetes')).toMatch(
      / # to api\.example\.com, TCP: (.*\n){3} +cidr: 203\.0\.113\.5\/32\n/,
    );
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
