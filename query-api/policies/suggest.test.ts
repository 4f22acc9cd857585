import { enrichedDns, type WrittenDnsRow } from '@sonde/test/builders/dns';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrichedFlows } from '@sonde/test/builders/enriched-flows';
import { manifest, namespace, networkPolicy } from '@sonde/test/builders/manifests';
import { flow, keep, MINUTE, NOW, pod, startPolicyShop } from '@sonde/test/fixtures/policy-shop';
import type { TestApi } from '@sonde/test/fixtures/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await startPolicyShop();
});

afterAll(() => api.close());

describe('a suggestion', () => {
  const body = { namespace: 'shop', filter: 'src.namespace != "infra"' };

  it('allows the observed flows by workload, with the evidence of each rule', async () => {
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

  it('allows every observed flow in a preview', async () => {
    for (const dialect of ['kubernetes', 'calico', 'calico-enterprise']) {
      const suggested = await api.post('/api/v1/policies/suggest', { ...body, dialect });
      const previewed = await api.post('/api/v1/policies/preview', { manifests: suggested.body['yaml'] });
      expect(previewed.body['changes']).toEqual([]);
    }
  });

  it('uses domain names where the dialect supports them, else addresses with the domain as a comment', async () => {
    const [lookup] = await api.store.query<{ lookups: string }>('SELECT count() AS lookups FROM dns');
    expect(lookup?.lookups).toBe('0');
    const yaml = async (dialect: string) =>
      String((await api.post('/api/v1/policies/suggest', { ...body, dialect })).body['yaml']);
    // A name without a known lookup may come from a TLS handshake, which policies do not use.
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

  it('is empty for a namespace without visible flows', async () => {
    const nothing = { policies: [], notCovered: [], yaml: '' };
    expect((await api.post('/api/v1/policies/suggest', { namespace: 'nowhere' })).body).toMatchObject(
      nothing,
    );
    const reader = api.as(['shop']);
    expect((await reader.post('/api/v1/policies/suggest', { namespace: 'infra' })).body).toMatchObject(
      nothing,
    );
  });

  it('covers the pods behind a service by the flows to its address', async () => {
    const service = (name: string, spec: object) =>
      manifest('v1', 'Service', `depot/${name}`, { clusterIP: '10.96.7.1', ports: [{ port: 80 }], ...spec });
    const only = (app: string, from: object[]) =>
      networkPolicy(`depot/${app}`, { podSelector: { matchLabels: { app } }, ingress: [{ from }] });
    await keep(api, [namespace('depot')], 60);
    await keep(api, [service('store', { selector: { app: 'old-store' } })], 50);
    await keep(api, [service('store', { selector: { app: 'store' } })], 20);
    await keep(api, [service('outside', {}), service('safe', { selector: { app: 'safe' } })], 50);
    await keep(api, [only('safe', [{ podSelector: { matchLabels: { app: 'keeper' } } }])], 50);
    const [clerk, safe] = [pod('src', 'depot/clerk', '10.7.0.1'), pod('dst', 'depot/safe', '10.7.0.2')];
    const toService = (name: string, action: 'allow' | 'unknown') =>
      flow({
        ...{ ...clerk, dst_kind: 'service', dst_namespace: 'depot', dst_name: name, dst_ip: '10.96.7.1' },
        ...{ dst_port: 80, action },
      });
    await api.store.insert({
      flows: enrichedFlows([
        ...[toService('store', 'allow'), toService('store', 'unknown')],
        ...[toService('outside', 'unknown'), toService('safe', 'unknown')],
        flow({ ...pod('src', 'depot/store', '10.7.0.3'), ...safe, dst_port: 80, action: 'deny' }),
      ]),
    });
    const { body } = await api.post('/api/v1/policies/suggest', { namespace: 'depot' });
    const policies = body['policies'] as { workload: string; rules: object[] }[];
    expect(policies).toMatchObject([
      { workload: 'clerk', rules: [{ direction: 'egress', services: ['depot/store'], flows: 2 }] },
      { workload: 'store', rules: [{ direction: 'ingress', services: ['depot/store'], flows: 2 }] },
      { workload: '', rules: [] },
    ]);
    expect(body['yaml']).toMatch(
      /# to depot\/store, TCP: 2 connections in .*; to the service depot\/store, which selects them\n/,
    );
    expect(body['yaml']).not.toContain('old-store');
    expect(body['notCovered']).toMatchObject([
      { reason: 'policies deny them at backends of the service depot/safe', flows: 1 },
      {
        reason: 'the service depot/outside selects no pods: no rule can select its backends',
        flows: 1,
      },
    ]);
  });
});
