import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../cluster/objects.js';
import {
  adminPolicy,
  baselinePolicy,
  clusterPolicy,
  evaluated,
  namespace,
  networkPolicy,
  node,
  pod,
  tcp,
} from '@sonde/test/builders/manifests';

const PODS = [
  namespace('red', { house: 'red' }),
  namespace('blue', { house: 'blue' }),
  pod('red/a', { labels: { app: 'a' }, ips: ['10.0.0.1'], ports: [{ name: 'web', containerPort: 80 }] }),
  pod('blue/b', { labels: { app: 'b' }, ips: ['10.0.0.2'] }),
  node('n1', ['172.18.0.2'], { os: 'linux' }),
];
const EVERYTHING = { namespaces: {} };
const RED = { namespaces: { matchLabels: { house: 'red' } } };
const BLUE = { namespaces: { matchLabels: { house: 'blue' } } };
const TO_RED = tcp('blue/b', 'red/a', 80);
const OUT = tcp('red/a', '192.0.2.7', 443);

const report = (policies: readonly KubernetesObject[], connection: object, dns?: Record<string, string[]>) =>
  evaluated([...PODS, ...policies], connection, dns);
const verdict = (policies: readonly KubernetesObject[], connection: object, dns?: Record<string, string[]>) =>
  report(policies, connection, dns).verdict;

const admin = (name: string, priority: number, action: string, more: object = {}) =>
  adminPolicy(name, { priority, subject: RED, ingress: [{ action, from: [EVERYTHING], ...more }] });
const baseline = (action: string) =>
  baselinePolicy({ subject: RED, ingress: [{ action, from: [EVERYTHING] }] });
const closed = networkPolicy('red/closed', { podSelector: {} });
const open = networkPolicy('red/open', { podSelector: {}, ingress: [{}] });

describe('an AdminNetworkPolicy', () => {
  it('decides before network policies, by allow and by deny', () => {
    expect(verdict([admin('p', 1, 'Allow'), closed], TO_RED)).toBe('allow');
    expect(verdict([admin('p', 1, 'Deny'), open], TO_RED)).toBe('deny');
  });

  it('says nothing where no rule matches: there is no implicit deny', () => {
    const other = adminPolicy('p', { priority: 1, subject: RED, ingress: [{ action: 'Deny', from: [RED] }] });
    expect(verdict([other], TO_RED)).toBe('allow');
    expect(report([other], TO_RED).ingress.trace).toEqual([
      '0|adminnetworkpolicy|kanp:p|pass|-1',
      '1|__PROFILE__|pro:kns.red|allow|0',
    ]);
  });

  it('says nothing of a direction that it has no rules for', () => {
    expect(report([admin('p', 1, 'Deny')], OUT).egress).toEqual({
      verdict: 'allow',
      trace: ['0|__PROFILE__|pro:kns.red|allow|0'],
    });
  });

  it('is consulted by priority, lower first, and its rules in their order', () => {
    expect(verdict([admin('a', 20, 'Allow'), admin('b', 10, 'Deny')], TO_RED)).toBe('deny');
    const both = adminPolicy('p', {
      priority: 1,
      subject: RED,
      ingress: [
        { action: 'Allow', from: [BLUE] },
        { action: 'Deny', from: [BLUE] },
      ],
    });
    expect(verdict([both], TO_RED)).toBe('allow');
  });

  it('skips all further ones by pass, on to network policies', () => {
    const passing = [admin('a', 1, 'Pass'), admin('b', 2, 'Deny')];
    expect(verdict([...passing, open], TO_RED)).toBe('allow');
    expect(verdict([...passing, closed], TO_RED)).toBe('deny');
    expect(report([...passing, open], TO_RED).ingress.trace).toEqual([
      '0|adminnetworkpolicy|kanp:a|pass|0',
      '1|default|knp:red/open|allow|0',
    ]);
  });

  it('says so where equal priorities leave open what applies', () => {
    const { notes } = report([admin('a', 5, 'Allow'), admin('b', 5, 'Deny')], TO_RED);
    expect(notes).toEqual(['ambiguous: kanp:a and kanp:b have equal priority 5 and act differently']);
    expect(report([admin('a', 5, 'Deny'), admin('b', 5, 'Deny')], TO_RED).notes).toEqual([]);
  });

  it('reads portNumber, portRange and namedPort of the destination; no ports are all traffic', () => {
    const withPorts = (...ports: object[]) => [admin('p', 1, 'Deny', { ports })];
    expect(verdict(withPorts({ portNumber: { port: 80 } }), TO_RED)).toBe('deny');
    expect(verdict(withPorts({ portNumber: { port: 80, protocol: 'UDP' } }), TO_RED)).toBe('allow');
    expect(verdict(withPorts({ portRange: { start: 70, end: 80 } }), TO_RED)).toBe('deny');
    expect(verdict(withPorts({ namedPort: 'web' }), TO_RED)).toBe('deny');
    expect(verdict(withPorts({ namedPort: 'web' }), tcp('blue/b', 'red/a', 81))).toBe('allow');
    expect(verdict([admin('p', 1, 'Deny')], { from: 'blue/b', to: 'red/a', protocol: 'ICMP' })).toBe('deny');
  });

  it('finds nodes by their addresses, pods by networks too', () => {
    const egress = (action: string, peer: object) =>
      adminPolicy('p', { priority: 1, subject: RED, egress: [{ action, to: [peer] }] });
    expect(
      verdict([egress('Deny', { nodes: { matchLabels: { os: 'linux' } } })], tcp('red/a', '172.18.0.2', 1)),
    ).toBe('deny');
    expect(verdict([egress('Deny', { nodes: {} })], tcp('red/a', '172.18.0.3', 1))).toBe('allow');
    expect(verdict([egress('Deny', { networks: ['10.0.0.0/24'] })], tcp('red/a', 'blue/b', 1))).toBe('deny');
  });

  it('never takes pods on the host network for a subject or a peer', () => {
    const agent = pod('red/agent', { ips: ['172.18.0.2'], hostNetwork: true, node: 'n1' });
    expect(verdict([agent, admin('p', 1, 'Deny')], tcp('blue/b', 'red/agent', 80))).toBe('allow');
    expect(verdict([agent, admin('p', 1, 'Deny')], tcp('red/agent', 'red/a', 80))).toBe('allow');
  });

  it('fails closed where no field of a peer is known: allow matches nothing, deny and pass deny all', () => {
    const unknown = (action: string) => [
      adminPolicy('p', {
        priority: 1,
        subject: RED,
        ingress: [{ action, from: [BLUE, { moons: {} }], ports: [{ portNumber: { port: 9 } }] }],
      }),
    ];
    expect(verdict([...unknown('Allow'), closed], tcp('blue/b', 'red/a', 9))).toBe('deny');
    expect(verdict(unknown('Deny'), TO_RED)).toBe('deny');
    expect(verdict([...unknown('Pass'), open], TO_RED)).toBe('deny');
  });
});

describe('a BaselineAdminNetworkPolicy', () => {
  it('decides where no network policy selects the pod', () => {
    expect(verdict([baseline('Deny')], TO_RED)).toBe('deny');
    expect(report([baseline('Deny')], TO_RED).ingress.trace).toEqual([
      '0|baselineadminnetworkpolicy|kbanp:default|deny|0',
    ]);
  });

  it('is never reached where a network policy selects the pod in that direction', () => {
    expect(verdict([baseline('Deny'), open], TO_RED)).toBe('allow');
    expect(verdict([baseline('Allow'), closed], TO_RED)).toBe('deny');
    const egressOnly = networkPolicy('red/e', { podSelector: {}, policyTypes: ['Egress'], egress: [{}] });
    expect(verdict([baseline('Deny'), egressOnly], TO_RED)).toBe('deny');
  });
});

describe('a ClusterNetworkPolicy', () => {
  const policy = (
    tier: string,
    action: string,
    more: object = {},
    to: object = { networks: ['0.0.0.0/0'] },
  ) =>
    clusterPolicy(`${tier}-${action}`.toLowerCase(), {
      tier,
      priority: 1,
      subject: RED,
      egress: [{ name: 'rule', action, to: [to], ...more }],
    });

  it('acts before network policies in the tier Admin and after them in the tier Baseline', () => {
    const egressClosed = networkPolicy('red/e', { podSelector: {}, policyTypes: ['Egress'] });
    expect(verdict([policy('Admin', 'Accept'), egressClosed], OUT)).toBe('allow');
    expect(verdict([policy('Baseline', 'Accept'), egressClosed], OUT)).toBe('deny');
    expect(verdict([policy('Baseline', 'Deny')], OUT)).toBe('deny');
  });

  it('passes from either tier; after Baseline only the default is left', () => {
    expect(verdict([policy('Admin', 'Pass'), policy('Baseline', 'Deny')], OUT)).toBe('deny');
    const { egress } = report([policy('Baseline', 'Pass')], OUT);
    expect(egress.trace).toEqual([
      '0|kube-baseline|kcnp:baseline-pass|pass|0',
      '1|__PROFILE__|pro:kns.red|allow|0',
    ]);
  });

  it('matches by protocol and port, by range and by named port; without protocols every protocol', () => {
    const number = { protocols: [{ tcp: { destinationPort: { number: 443 } } }] };
    const range = { protocols: [{ udp: { destinationPort: { range: { start: 1, end: 443 } } } }] };
    expect(verdict([policy('Admin', 'Deny', number)], OUT)).toBe('deny');
    expect(verdict([policy('Admin', 'Deny', range)], OUT)).toBe('allow');
    expect(verdict([policy('Admin', 'Deny', range)], { ...OUT, protocol: 'UDP' })).toBe('deny');
    expect(verdict([policy('Admin', 'Deny')], { from: 'red/a', to: '192.0.2.1', protocol: 'ICMP' })).toBe(
      'deny',
    );
    const named = { protocols: [{ destinationNamedPort: 'web' }] };
    expect(verdict([policy('Admin', 'Deny', named, RED)], tcp('red/a', 'red/a', 80))).toBe('allow');
    const second = pod('red/c', { ips: ['10.0.0.3'] });
    expect(verdict([second, policy('Admin', 'Deny', named, RED)], tcp('red/c', 'red/a', 80))).toBe('deny');
  });

  it('covers pod-to-pod traffic by networks', () => {
    expect(verdict([policy('Admin', 'Deny')], tcp('red/a', 'blue/b', 80))).toBe('deny');
  });

  it('knows domains by the DNS answers; a wildcard covers one or more labels, never the apex', () => {
    const accept = policy('Admin', 'Accept', {}, { domainNames: ['*.example.org', 'example.net.'] });
    const deny = policy('Baseline', 'Deny');
    const dns = {
      'a.b.example.org': ['192.0.2.7'],
      'example.org': ['192.0.2.8'],
      'EXAMPLE.net': ['192.0.2.9'],
    };
    const to = (address: string) => verdict([accept, deny], tcp('red/a', address, 443), dns);
    expect([to('192.0.2.7'), to('192.0.2.8'), to('192.0.2.9')]).toEqual(['allow', 'deny', 'allow']);
  });

  it('is undecided by domains without DNS answers, unless every way ends alike', () => {
    const accept = policy('Admin', 'Accept', {}, { domainNames: ['example.org'] });
    expect(report([accept, policy('Baseline', 'Deny')], OUT)).toMatchObject({
      verdict: 'unknown',
      egress: { verdict: 'unknown', trace: ['0|kube-admin|kcnp:admin-accept|unknown|-2'] },
    });
    expect(report([accept], OUT).egress).toEqual({
      verdict: 'allow',
      trace: [
        '0|kube-admin|kcnp:admin-accept|unknown|-2',
        '1|kube-admin|kcnp:admin-accept|pass|-1',
        '2|__PROFILE__|pro:kns.red|allow|0',
      ],
    });
  });
});
