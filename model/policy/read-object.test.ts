import { describe, expect, it } from 'vitest';
import {
  adminPolicy,
  baselinePolicy,
  calico,
  clusterPolicy,
  manifest,
  networkPolicy,
} from '@sonde/test/builders/manifests';
import { readPolicyObject } from './read-object.js';
import type { KubernetesObject } from '../cluster/objects.js';

/** The problems of an object as `field reason`; none if it is valid. */
function problemsOf(object: KubernetesObject): string[] {
  const reading = readPolicyObject(object);
  return reading.is === 'invalid' ? reading.problems.map(({ field, reason }) => `${field} ${reason}`) : [];
}

const rule = (fields: object) =>
  calico('NetworkPolicy', 'a/p', { ingress: [{ action: 'Allow', ...fields }] });
const global = (spec: object) => calico('GlobalNetworkPolicy', 'p', spec);

describe('objects that are no policies', () => {
  it('are ignored', () => {
    expect(readPolicyObject(manifest('apps/v1', 'Deployment', 'a/d', {})).is).toBe('other');
  });

  it('but policies of other APIs or versions are refused, for a verdict without them would be a guess', () => {
    expect(problemsOf(manifest('cilium.io/v2', 'CiliumNetworkPolicy', 'a/p', {}))).toEqual([
      'kind CiliumNetworkPolicy of cilium.io/v2 is not supported',
    ]);
    expect(problemsOf(manifest('policy.networking.k8s.io/v1', 'ClusterNetworkPolicy', 'p', {}))).toHaveLength(
      1,
    );
    expect(problemsOf(manifest('extensions/v1beta1', 'NetworkPolicy', 'a/p', {}))).toHaveLength(1);
    expect(problemsOf(manifest('crd.antrea.io/v1beta1', 'ClusterNetworkPolicy', 'p', {}))).toHaveLength(1);
  });
});

describe('reading a policy', () => {
  it('names every field that is missing, mistyped or not known, by its path', () => {
    expect(
      problemsOf(
        networkPolicy('a/p', {
          podSelector: { matchLabels: { app: 1 } },
          ingress: [{ from: [{ ipBlock: { cidr: 'ten' } }, {}], portz: [] }],
          policyTypes: ['Inwards'],
        }),
      ),
    ).toEqual([
      'spec.podSelector.matchLabels.app must be a string, not 1',
      'spec.ingress[0].portz is not a supported field',
      'spec.ingress[0].from[0].ipBlock.cidr "ten" has no prefix length',
      'spec.ingress[0].from[1] has no peer',
      'spec.policyTypes[0] must be Ingress or Egress',
    ]);
  });

  it('takes null for absent, as the API server does', () => {
    expect(problemsOf(networkPolicy('a/p', { podSelector: { matchLabels: null }, ingress: null }))).toEqual(
      [],
    );
  });
});

describe('a NetworkPolicy is refused', () => {
  const withRule = (fields: object) =>
    problemsOf(networkPolicy('a/p', { podSelector: {}, ingress: [fields] }));

  it('if ipBlock stands with a selector, or an exception outside its cidr', () => {
    expect(withRule({ from: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] })).toHaveLength(1);
    expect(withRule({ from: [{ ipBlock: { cidr: '10.0.0.0/8', except: ['11.0.0.0/24'] } }] })).toEqual([
      'spec.ingress[0].from[0].ipBlock.except[0] is not within the cidr',
    ]);
  });

  it('if endPort has no numeric port, or is below it', () => {
    expect(withRule({ ports: [{ port: 'http', endPort: 90 }] })).toHaveLength(1);
    expect(withRule({ ports: [{ port: 100, endPort: 90 }] })).toHaveLength(1);
  });

  it('if an expression lacks values that it needs, or has some that it does not', () => {
    const selector = (operator: string, values?: string[]) =>
      problemsOf(
        networkPolicy('a/p', { podSelector: { matchExpressions: [{ key: 'k', operator, values }] } }),
      );
    expect(
      [selector('In'), selector('Exists', ['x']), selector('Near', ['x'])].map(({ length }) => length),
    ).toEqual([1, 1, 1]);
  });
});

describe('an admin policy is refused', () => {
  const admin = (spec: object) =>
    problemsOf(adminPolicy('p', { priority: 1, subject: { namespaces: {} }, ...spec }));
  const cluster = (spec: object) =>
    problemsOf(clusterPolicy('p', { tier: 'Admin', priority: 1, subject: { namespaces: {} }, ...spec }));

  it('without a priority from 0 to 1000, or a subject', () => {
    expect(problemsOf(adminPolicy('p', {}))).toEqual(['spec.priority is missing', 'spec.subject is missing']);
    expect(admin({ priority: 1001 })).toEqual(['spec.priority must be from 0 to 1000, not 1001']);
    expect(admin({ subject: {} })).toEqual(['spec.subject needs exactly one of namespaces and pods']);
  });

  it('with the fields of older versions, which no longer say what they said', () => {
    expect(admin({ subject: { namespaces: { namespaceSelector: {} } } })).toEqual([
      'spec.subject.namespaces.namespaceSelector is not a supported field',
    ]);
  });

  it('if it is a baseline policy not called default, or one that passes', () => {
    expect(
      problemsOf(
        manifest('policy.networking.k8s.io/v1alpha1', 'BaselineAdminNetworkPolicy', 'other', {
          subject: { namespaces: {} },
        }),
      ),
    ).toEqual(['metadata.name must be "default" for a BaselineAdminNetworkPolicy']);
    expect(
      problemsOf(
        baselinePolicy({
          subject: { namespaces: {} },
          ingress: [{ action: 'Pass', from: [{ namespaces: {} }] }],
        }),
      ),
    ).toHaveLength(1);
  });

  it('if a rule has no peers, two fields in one peer, or named ports for peers without names', () => {
    expect(admin({ ingress: [{ action: 'Allow', from: [] }] })).toHaveLength(1);
    expect(
      admin({
        ingress: [
          { action: 'Allow', from: [{ namespaces: {}, pods: { namespaceSelector: {}, podSelector: {} } }] },
        ],
      }),
    ).toHaveLength(1);
    expect(
      admin({ egress: [{ action: 'Deny', to: [{ nodes: {} }], ports: [{ namedPort: 'web' }] }] }),
    ).toHaveLength(1);
  });

  it('if domains stand in a rule that does not allow, or are none', () => {
    expect(cluster({ egress: [{ action: 'Deny', to: [{ domainNames: ['example.org'] }] }] })).toHaveLength(1);
    expect(cluster({ egress: [{ action: 'Accept', to: [{ domainNames: ['www.*.org'] }] }] })).toHaveLength(1);
  });

  it('if it has more than 25 rules of a direction in v1alpha2', () => {
    const rules = (count: number) =>
      Array.from({ length: count }, () => ({ action: 'Deny', from: [{ namespaces: {} }] }));
    expect(cluster({ ingress: rules(25) })).toEqual([]);
    expect(cluster({ ingress: rules(26) })).toHaveLength(1);
    expect(admin({ ingress: rules(26) })).toEqual([]);
  });

  it('if a protocol names no port, or two', () => {
    const withProtocol = (protocol: object) =>
      cluster({ ingress: [{ action: 'Deny', from: [{ namespaces: {} }], protocols: [protocol] }] });
    expect(withProtocol({ tcp: { destinationPort: { number: 80 } } })).toEqual([]);
    expect(withProtocol({ tcp: {} })).toHaveLength(1);
    expect(
      withProtocol({ tcp: { destinationPort: { number: 80, range: { start: 1, end: 2 } } } }),
    ).toHaveLength(1);
    expect(withProtocol({ icmp: {} })).not.toEqual([]);
  });
});

describe("a policy of Calico's is refused", () => {
  it('if a selector does not parse, with the position', () => {
    expect(problemsOf(global({ selector: "app == 'web' &" }))).toEqual([
      'spec.selector at character 13 of the selector: expected &&',
    ]);
  });

  it('if global() stands anywhere but alone in the namespaceSelector of a rule', () => {
    expect(problemsOf(global({ selector: 'global()' }))).toHaveLength(1);
    expect(problemsOf(global({ namespaceSelector: 'global()' }))).toHaveLength(1);
    expect(problemsOf(rule({ source: { selector: 'global()' } }))).toHaveLength(1);
    expect(problemsOf(rule({ source: { namespaceSelector: 'global() || all()' } }))).toHaveLength(1);
    expect(problemsOf(rule({ source: { namespaceSelector: 'global()' } }))).toEqual([]);
  });

  it('if ports need a protocol that is not there, or that has none', () => {
    expect(problemsOf(rule({ destination: { ports: [80] } }))).toHaveLength(1);
    expect(problemsOf(rule({ destination: { ports: ['http'] } }))).toEqual([]);
    expect(problemsOf(rule({ protocol: 'ICMP', destination: { ports: ['http'] } }))).toHaveLength(1);
    expect(problemsOf(rule({ protocol: 'TCP', destination: { ports: ['90:80'] } }))).toHaveLength(1);
  });

  it('if icmp is without its protocol, a code without a type, or the family does not fit', () => {
    expect(problemsOf(rule({ icmp: { type: 8 } }))).toHaveLength(1);
    expect(problemsOf(rule({ protocol: 'ICMP', icmp: { code: 1 } }))).toHaveLength(1);
    expect(problemsOf(rule({ protocol: 'ICMP', icmp: { type: 0, code: 0 } }))).toEqual([]);
    expect(problemsOf(rule({ protocol: 'ICMPv6', ipVersion: 4 }))).toHaveLength(1);
  });

  it('if services stand with selectors, on the near side, or without a namespace in a global policy', () => {
    const services = { name: 's', namespace: 'n' };
    expect(problemsOf(rule({ source: { services, selector: 'all()' } }))).toHaveLength(1);
    expect(problemsOf(rule({ destination: { services } }))).toHaveLength(1);
    expect(
      problemsOf(global({ ingress: [{ action: 'Allow', source: { services: { name: 's' } } }] })),
    ).toHaveLength(1);
    expect(problemsOf(rule({ source: { services: { name: 's' } } }))).toEqual([]);
  });

  it('if http or domains stand where they have no meaning', () => {
    expect(problemsOf(rule({ http: { methods: ['GET'] } }))).toEqual([]);
    expect(problemsOf(rule({ action: 'Deny', http: {} }))).toHaveLength(1);
    expect(problemsOf(rule({ destination: { domains: ['a.b'] } }))).toHaveLength(1);
  });

  it('if doNotTrack, preDNAT and applyOnForward contradict each other', () => {
    expect(problemsOf(global({ doNotTrack: true }))).toHaveLength(1);
    expect(problemsOf(global({ doNotTrack: true, preDNAT: true, applyOnForward: true }))).toHaveLength(1);
    expect(problemsOf(global({ preDNAT: true, applyOnForward: true, types: ['Egress'] }))).toHaveLength(1);
    expect(problemsOf(global({ preDNAT: true, applyOnForward: true }))).toEqual([]);
  });

  it('if a built-in tier is given another order or default action', () => {
    expect(problemsOf(calico('Tier', 'default', {}))).toEqual([]);
    expect(problemsOf(calico('Tier', 'default', { order: 5 }))).toHaveLength(1);
    expect(problemsOf(calico('Tier', 'kube-admin', { order: 1000, defaultAction: 'Deny' }))).toHaveLength(1);
  });

  it('if a host endpoint is on no node, or has neither interface nor addresses', () => {
    expect(problemsOf(calico('HostEndpoint', 'h', {}))).toHaveLength(2);
    expect(problemsOf(calico('HostEndpoint', 'h', { node: 'n', expectedIPs: ['x'] }))).toHaveLength(2);
  });
});
