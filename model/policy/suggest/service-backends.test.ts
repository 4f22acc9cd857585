import { describe, expect, it } from 'vitest';
import { manifest } from '@sonde/test/builders/manifests';
import { readService } from '../manifests/kubernetes.js';
import { parseLabels } from '../preview/snapshot-pods.js';
import { TCP } from '../../net/protocol.js';
import { Fields } from '../resources/fields.js';
import type { EndpointPort } from '../resources/endpoints.js';
import type { ServiceContext, ObservedPod, ServiceVersion } from './service-backends.js';
import { kubernetesManifests } from './kubernetes.js';
import type { ObservedEndpoint, ObservedFlow } from './observed.js';
import { learnPolicies, suggestPolicies } from './suggest.js';

const WEB: ObservedEndpoint = pod('shop/web', 'app=web').endpoint;

function pod(place: string, labels: string, ports: readonly EndpointPort[] = []): ObservedPod {
  const [namespace = '', name = ''] = place.split('/');
  return {
    endpoint: { kind: 'pod', namespace, name, labels, address: '10.0.0.1' },
    pod: { namespace, labels: parseLabels(labels), serviceAccount: 'default', ports },
  };
}

/** A version of a service that serves port 80 at 8080, and `metrics` by name. */
function version(sinceMs: number, place: string, selector?: Record<string, string>): ServiceVersion {
  const ports = [
    { port: 80, targetPort: 8080 },
    { name: 'metrics', port: 9000, targetPort: 'metrics' },
  ];
  const spec = { ...(selector ? { selector } : {}), clusterIP: '10.96.0.1', ports };
  return { sinceMs, service: readService(new Fields(manifest('v1', 'Service', place, spec), '', [])) };
}

function known(versions: readonly ServiceVersion[], pods: readonly ObservedPod[], more = {}): ServiceContext {
  const [name = 'shop/api'] = versions.map(({ service }) => `${service.namespace}/${service.name}`);
  return { versions: new Map([[name, versions]]), pods, denies: () => false, ...more };
}

/** Flows to the address of the service `shop/api`, between two times. */
function toService(firstMs: number, lastMs: number, fields: Partial<ObservedFlow> = {}): ObservedFlow {
  return {
    src: WEB,
    dst: { kind: 'service', namespace: 'shop', name: 'api', labels: '', address: '10.96.0.1' },
    ...{ protocol: TCP, port: 80, sourcePort: 40_000, guessed: false, domain: '' },
    ...{ sourceAccount: 'default', allowed: true },
    traffic: { flows: 1, connections: 2, bytes: 100, firstMs, lastMs },
    ...fields,
  };
}

/** Each policy's workload with the peers and ports of its rules, and why the rest is not covered. */
function suggested(flow: ObservedFlow, services: ServiceContext) {
  const { policies, notCovered } = suggestPolicies('shop', [flow], services);
  const rules = policies.flatMap(({ workload, ingress, egress }) =>
    (
      [
        ['from', ingress],
        ['to', egress],
      ] as const
    ).flatMap(([way, list]) =>
      list.map(
        ({ peer, ports }) =>
          `${workload} ${way} ${peer.is === 'workload' ? peer.workload : peer.is} ${ports.map(({ from }) => from).join()}`,
      ),
    ),
  );
  return { rules, reasons: notCovered.map(({ reason }) => reason) };
}

const API = pod('shop/api', 'app=api');

describe('flows that ended at the address of a service', () => {
  it('are learned for the pods that it selects, on the port that it leads to', () => {
    const services = known([version(0, 'shop/api', { app: 'api' })], [API, pod('shop/db', 'app=db')]);
    expect(suggested(toService(10, 20), services)).toEqual({
      rules: ['api from web 8080', 'web to api 8080'],
      reasons: [],
    });
    const [api] = suggestPolicies('shop', [toService(10, 20)], services).policies;
    expect(api?.ingress[0]).toMatchObject({
      services: [{ name: 'shop/api', unseen: false }],
      evidence: { connections: 2 },
    });
  });

  it('are learned by what it selected at their time', () => {
    const versions = [version(0, 'shop/api', { app: 'api' }), version(100, 'shop/api', { app: 'next' })];
    const services = known(versions, [API, pod('shop/next', 'app=next')]);
    const peers = (flow: ObservedFlow) =>
      suggested(flow, services).rules.filter((rule) => rule.startsWith('web'));
    expect(peers(toService(10, 99))).toEqual(['web to api 8080']);
    expect(peers(toService(100, 200))).toEqual(['web to next 8080']);
    expect(peers(toService(10, 200))).toEqual(['web to api 8080', 'web to next 8080']);
    expect(peers(toService(-5, -1))).toEqual(['web to api 8080']);
  });

  it('count once in a rule, however many kinds of pods and ports they stand for', () => {
    const named = (port: number) => [{ name: 'metrics', protocol: TCP, port }];
    const pods = [pod('shop/api', 'app=api,v=1', named(9464)), pod('shop/api', 'app=api,v=2', named(9465))];
    const services = known([version(0, 'shop/api', { app: 'api' })], pods);
    const [api] = suggestPolicies('shop', [toService(10, 20, { port: 9000 })], services).policies;
    expect(api?.ingress).toMatchObject([
      { ports: [{ from: 9464 }, { from: 9465 }], evidence: { flows: 1, connections: 2 } },
    ]);
  });

  it('are learned for the labels that it selects where no such pod was seen', () => {
    const { policies } = suggestPolicies(
      'shop',
      [toService(10, 20)],
      known([version(0, 'shop/api', { app: 'api' })], []),
    );
    expect(policies[1]?.egress[0]?.services).toEqual([{ name: 'shop/api', unseen: true }]);
    expect(kubernetesManifests('shop', policies).manifests.map(({ manifest }) => manifest)).toMatchObject([
      { metadata: { name: 'suggested-service-api' }, spec: { podSelector: { matchLabels: { app: 'api' } } } },
      {
        spec: {
          egress: [{ to: [{ podSelector: { matchLabels: { app: 'api' } } }], ports: [{ port: 8080 }] }],
        },
      },
      { metadata: { name: 'suggested-default-deny' } },
    ]);
  });

  it('are not learned but told of where it is not known who stood behind it', () => {
    const selecting = [version(0, 'shop/api', { app: 'api' })];
    const reason = (flow: ObservedFlow, services: ServiceContext) => suggested(flow, services);
    const none = { rules: [] };
    expect(reason(toService(1, 2), known([version(0, 'shop/api')], [API]))).toEqual({
      ...none,
      reasons: ['the service shop/api selects no pods: no rule can select its backends'],
    });
    expect(reason(toService(1, 2), known([], [API]))).toEqual({
      ...none,
      reasons: ['the service shop/api is unknown'],
    });
    expect(reason(toService(1, 2, { port: 81 }), known(selecting, [API]))).toEqual({
      ...none,
      reasons: ['the service shop/api does not serve TCP port 81'],
    });
    expect(reason(toService(1, 2, { port: 9000 }), known(selecting, [API]))).toEqual({
      ...none,
      reasons: ['no known backend of the service shop/api has a port named metrics'],
    });
    const hidden = { ...toService(1, 2).dst, namespace: '', name: '' };
    expect(reason(toService(1, 2, { dst: hidden }), known(selecting, [API]))).toEqual({
      ...none,
      reasons: ['you may not see the service at the other end'],
    });
  });

  it('are not learned for pods that policies keep them from, where policies were not asked as they came', () => {
    const old = pod('shop/old', 'app=api,old=yes');
    const services = known([version(0, 'shop/api', { app: 'api' })], [API, old], {
      denies: (_flow: ObservedFlow, { endpoint }: ObservedPod, port: number) =>
        endpoint.name === 'old' && port === 8080,
    });
    const unknown = toService(1, 2, { allowed: false });
    expect(suggested(unknown, services).rules).toEqual(['api from web 8080', 'web to api 8080']);
    expect(suggested(toService(1, 2), services).rules).toHaveLength(4);
    expect(suggested(unknown, { ...services, denies: () => true })).toEqual({
      rules: [],
      reasons: ['policies deny them at backends of the service shop/api'],
    });
  });

  it('are learned from with pauses, and look once for the pods behind a service', () => {
    const labels = { app: 'api' };
    let looks = 0;
    const looking = new Proxy(labels, {
      get(target, name) {
        if (name === 'app') looks++;
        return target.app;
      },
    });
    const seen: ObservedPod = { ...API, pod: { ...API.pod, labels: looking } };
    const services = known([version(0, 'shop/api', labels)], [seen]);
    const flows = Array.from({ length: 2500 }, (_, number) => toService(10, 20, { sourcePort: number }));
    // One for each thousand flows, and one for the policy of each workload.
    expect([...learnPolicies('shop', flows, services)]).toHaveLength(2 + 2);
    expect(looks).toBe(1);
  });
});
