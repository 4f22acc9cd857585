import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../net/address.js';
import { UNRELATED } from '../evaluate/connection.js';
import { calico, namespace } from '@sonde/test/builders/manifests';
import type { FlowEndpoint, FlowIdentity } from '../preview/flow-identity.js';
import { evaluateFlows, addDomainAnswers } from '../preview/evaluate-flows.js';
import { createPolicySnapshot } from '../preview/snapshot.js';
import { ICMP, TCP, UDP } from '../../net/protocol.js';
import { calicoManifests } from './calico.js';
import { kubernetesManifests } from './kubernetes.js';
import type { SuggestedManifest } from './manifest.js';
import type { ObservedEndpoint, ObservedFlow } from './observed.js';
import { suggestPolicies } from './suggest.js';

const SEEN = { flows: 1, connections: 2, bytes: 100, firstMs: 1000, lastMs: 2000 };

function podEnd(place: string, labels: string, address: string): ObservedEndpoint {
  const [own = '', name = ''] = place.split('/');
  return { kind: 'pod', namespace: own, name, labels, address };
}

function outside(
  address: string,
  kind: ObservedEndpoint['kind'] = 'external',
  name = '',
  labels = '',
): ObservedEndpoint {
  return { kind, namespace: '', name, labels, address };
}

const WEB = podEnd('shop/web', 'app=web,team=a', '10.0.0.1');
const API = podEnd('shop/api', 'app=api,team=a', '10.0.0.2');
const DNS = podEnd('kube-system/dns', 'k8s-app=kube-dns', '10.0.0.3');
const ATTACKER = podEnd('attacker/shell', 'app=shell', '10.0.0.9');

function flow(
  src: ObservedEndpoint,
  dst: ObservedEndpoint,
  port: number,
  fields: Partial<ObservedFlow> = {},
): ObservedFlow {
  return {
    src,
    dst,
    protocol: TCP,
    port,
    sourcePort: 40_000,
    guessed: false,
    domain: '',
    sourceAccount: 'default',
    allowed: true,
    traffic: { ...SEEN },
    ...fields,
  };
}

const OBSERVED = [
  flow(WEB, API, 8080),
  flow(WEB, API, 9100),
  flow(WEB, DNS, 53, { protocol: UDP }),
  flow(outside('198.51.100.7'), WEB, 443),
  flow(outside('2001:db8::7'), WEB, 443),
  flow(API, outside('203.0.113.5', 'network_set', 'partners', 'egress=sanctioned'), 443),
];

const CLUSTER = [
  namespace('shop'),
  namespace('attacker'),
  namespace('kube-system'),
  calico('GlobalNetworkSet', 'partners', { nets: ['203.0.113.0/28'] }, { egress: 'sanctioned' }),
];

function verdicts(manifests: readonly SuggestedManifest[], flows: readonly ObservedFlow[]): string[] {
  const labelled = CLUSTER.map((object) =>
    object.kind === 'Namespace'
      ? {
          ...object,
          metadata: { ...object.metadata, labels: { 'kubernetes.io/metadata.name': object.metadata.name } },
        }
      : object,
  );
  const world = createPolicySnapshot([...labelled, ...manifests.map(({ manifest }) => manifest)]);
  expect(world.problems).toEqual([]);
  addDomainAnswers(world, flows.map(identityOf));
  return evaluateFlows(world, flows.map(identityOf), 'enforced').map(({ verdict }) => verdict);
}

function identityOf({ src, dst, protocol, port, sourcePort, guessed, domain }: ObservedFlow): FlowIdentity {
  const end = ({ kind, namespace: own, labels, address }: ObservedEndpoint): FlowEndpoint => ({
    ...{ kind, namespace: own, labels, serviceAccount: 'default', address: parseAddress(address) },
  });
  return {
    src: end(src),
    dst: end(dst),
    protocol,
    port,
    sourcePort,
    relation: UNRELATED,
    guessed,
    domain,
  };
}

const PLACE = { tier: 'default', order: 1000, domains: false };
const { policies } = suggestPolicies('shop', OBSERVED);
const dialects = [
  ['Kubernetes', kubernetesManifests('shop', policies).manifests],
  ['Calico', calicoManifests('shop', policies, PLACE)],
] as const;

describe('suggested rules to a domain', () => {
  const NAMED = ['203.0.113.20', '203.0.113.21'].map((address, index) =>
    flow(WEB, outside(address), 443 + index, { domain: 'api.example.com' }),
  );
  const suggested = suggestPolicies('shop', NAMED).policies;
  const elsewhere = flow(WEB, outside('203.0.113.99'), 443, { domain: 'api.example.com' });

  it('name it where policies can, which allows all addresses that it has', () => {
    const manifests = calicoManifests('shop', suggested, { ...PLACE, domains: true });
    expect(JSON.stringify(manifests.map(({ manifest }) => manifest))).not.toContain('203.0.113');
    expect(verdicts(manifests, [...NAMED, elsewhere])).toEqual(['allow', 'allow', 'allow']);
    expect(verdicts(manifests, [flow(WEB, outside('203.0.113.98'), 443)])).toEqual(['deny']);
  });

  it.each([
    ['Kubernetes', kubernetesManifests('shop', suggested).manifests],
    ['Calico', calicoManifests('shop', suggested, PLACE)],
  ])('name its addresses that were seen for %s', (_name, manifests) => {
    expect(verdicts(manifests, NAMED)).toEqual(['allow', 'allow']);
    expect(verdicts(manifests, [elsewhere])).toEqual(['deny']);
  });
});

describe.each(dialects)('suggested policies of %s', (_name, manifests) => {
  it('allow all that was observed', () => {
    expect(verdicts(manifests, OBSERVED)).toEqual(OBSERVED.map(() => 'allow'));
  });

  it('deny what was not: other peers, other ports, other directions', () => {
    const others = [
      flow(ATTACKER, WEB, 443),
      flow(ATTACKER, API, 8080),
      flow(WEB, API, 8081),
      flow(API, WEB, 8080),
      flow(WEB, DNS, 53),
      flow(outside('198.51.100.8'), WEB, 443),
      flow(API, outside('203.0.113.77'), 443),
      flow(podEnd('shop/unseen', 'app=unseen', '10.0.0.4'), API, 8080),
    ];
    expect(verdicts(manifests, others)).toEqual(others.map(() => 'deny'));
  });

  it('have evidence for every rule', () => {
    for (const { manifest, rules } of manifests) {
      const { spec } = manifest as unknown as { spec: { ingress?: unknown[]; egress?: unknown[] } };
      for (const direction of ['ingress', 'egress'] as const) {
        const told = rules.filter((rule) => rule.direction === direction).map(({ index }) => index);
        expect(told).toEqual((spec[direction] ?? []).map((_, index) => index));
      }
    }
    const ofWeb = manifests.find(({ workload }) => workload === 'web')?.rules ?? [];
    const toApi = ofWeb.find(({ rule }) => rule.peer.is === 'workload' && rule.peer.workload === 'api');
    expect(toApi?.rule.evidence).toEqual({ ...SEEN, flows: 2, connections: 4, bytes: 200 });
  });
});

describe('a suggestion', () => {
  it('selects a workload by the label that names it, or by all labels where that is not enough', () => {
    const canary = podEnd('shop/web-canary', 'app=web,team=a,track=canary', '10.0.0.5');
    const stable = podEnd('shop/web', 'app=web,team=a,track=stable', '10.0.0.1');
    const labelsOf = (flows: readonly ObservedFlow[]) =>
      suggestPolicies('shop', flows).policies.map(({ workload, labels, alsoSelects }) => [
        workload,
        labels,
        alsoSelects,
      ]);
    expect(labelsOf([flow(WEB, API, 80)])).toEqual([
      ['api', { app: 'api' }, []],
      ['web', { app: 'web' }, []],
    ]);
    expect(
      labelsOf([flow(canary, outside('192.0.2.1'), 80), flow(stable, outside('192.0.2.1'), 80)]),
    ).toEqual([
      ['web', { app: 'web', team: 'a', track: 'stable' }, []],
      ['web-canary', { app: 'web', team: 'a', track: 'canary' }, []],
    ]);
    expect(labelsOf([flow(canary, outside('192.0.2.1'), 80), flow(WEB, outside('192.0.2.1'), 80)])).toEqual([
      ['web', { app: 'web', team: 'a' }, ['web-canary']],
      ['web-canary', { app: 'web', team: 'a', track: 'canary' }, []],
    ]);
  });

  it('says when peers or ports were too many to list', () => {
    const many = Array.from({ length: 40 }, (_, index) => flow(outside(`198.51.100.${index}`), WEB, 443));
    const ports = Array.from({ length: 40 }, (_, index) => flow(WEB, API, 1000 + index));
    const [api, web] = suggestPolicies('shop', [...many, ...ports]).policies;
    expect(web?.ingress[0]?.peer).toMatchObject({ widened: true });
    expect(web?.ingress[0]?.peer).toHaveProperty('prefixes.length', 10);
    expect(api?.ingress[0]).toMatchObject({
      portsWidened: true,
      ports: [{ protocol: TCP, from: 1000, to: 1039 }],
    });
  });

  it('learns nothing from flows with a guessed direction, and lists them', () => {
    const guessed = flow(API, WEB, 45_000, { sourcePort: 8080, guessed: true });
    const { policies, notCovered } = suggestPolicies('shop', [guessed]);
    expect(policies).toEqual([]);
    expect(notCovered).toMatchObject([
      { reason: 'it is only guessed which side is the client', evidence: { flows: 1 } },
    ]);
  });

  it('counts for each rule only the traffic of its own protocol', () => {
    const traffic = (connections: number) => ({ flows: 1, connections, bytes: 1, firstMs: 0, lastMs: 1 });
    const tcp = flow(WEB, API, 8080, { traffic: traffic(5) });
    const echo = flow(WEB, API, 8 * 256, { protocol: ICMP, sourcePort: 0, traffic: traffic(70) });
    const { policies } = suggestPolicies('shop', [tcp, echo]);
    const connections = (manifests: readonly SuggestedManifest[]) =>
      manifests.flatMap(({ rules }) => rules.map(({ rule }) => rule.evidence.connections));
    const kubernetes = kubernetesManifests('shop', policies);
    expect(connections(kubernetes.manifests)).toEqual([5, 5]);
    expect(kubernetes.notCovered.map(({ evidence }) => evidence.connections)).toEqual([70, 70]);
    const place = { tier: 'default', order: 1, domains: false };
    expect(connections(calicoManifests('shop', policies, place))).toEqual([70, 5, 70, 5]);
  });

  it('tells what it could not cover, and why', () => {
    const echo = flow(WEB, API, 8 * 256, { protocol: ICMP, sourcePort: 0 });
    const suggested = suggestPolicies('shop', [echo, flow(WEB, podEnd('shop/bare', '', '10.0.0.8'), 80)]);
    expect(suggested.notCovered.map(({ reason }) => reason)).toEqual([
      'a pod has no labels, so no policy can select it alone',
    ]);
    const told = kubernetesManifests('shop', suggested.policies).notCovered.map(({ reason }) => reason);
    expect(told).toEqual([
      'a Kubernetes NetworkPolicy cannot allow ICMP, which api uses',
      'a Kubernetes NetworkPolicy cannot allow ICMP, which web uses',
    ]);
    const manifests = calicoManifests('shop', suggested.policies, PLACE);
    expect(verdicts(manifests, [echo, { ...echo, port: 13 * 256 }])).toEqual(['allow', 'deny']);
  });

  it('names by prefixes only what was met', () => {
    const addresses = Array.from({ length: 300 }, (_, index) =>
      formatAddress(parseAddress(`10.7.${index % 7}.${index % 250}`)),
    );
    const [web] = suggestPolicies(
      'shop',
      addresses.map((address) => flow(WEB, outside(address), 443)),
    ).policies;
    const manifests = calicoManifests('shop', web ? [web] : [], PLACE);
    const flows = addresses.map((address) => flow(WEB, outside(address), 443));
    expect(new Set(verdicts(manifests, flows))).toEqual(new Set(['allow']));
    expect(verdicts(manifests, [flow(WEB, outside('10.8.0.1'), 443)])).toEqual(['deny']);
  });
});
