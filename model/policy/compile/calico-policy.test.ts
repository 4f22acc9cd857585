import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../cluster/objects.js';
import {
  calico,
  clusterPolicy,
  evaluated,
  manifest,
  namespace,
  networkPolicy,
  node,
  pod,
  tcp,
} from '@sonde/test/builders/manifests';

const PODS = [
  namespace('shop', { team: 'a' }),
  namespace('other', { team: 'b' }),
  manifest('v1', 'ServiceAccount', 'shop/robot', {}, { role: 'worker' }),
  pod('shop/web', { labels: { app: 'web' }, ips: ['10.0.0.1'] }),
  pod('shop/client', { labels: { app: 'client' }, ips: ['10.0.0.2'], serviceAccount: 'robot' }),
  pod('other/client', { labels: { app: 'client' }, ips: ['10.0.1.2'] }),
];
const ALLOW = [{ action: 'Allow' }];
const DENY = [{ action: 'Deny' }];
const FROM_SHOP = tcp('shop/client', 'shop/web', 80);
const OUT = tcp('shop/web', '192.0.2.1', 80);

const report = (policies: readonly KubernetesObject[], connection = FROM_SHOP) =>
  evaluated([...PODS, ...policies], connection);
const verdict = (policies: readonly KubernetesObject[], connection = FROM_SHOP) =>
  report(policies, connection).verdict;

describe("which endpoints Calico's policies apply to", () => {
  it('a NetworkPolicy: pods of its namespace, all of them without a selector', () => {
    expect(verdict([calico('NetworkPolicy', 'shop/p', {})])).toBe('deny');
    expect(verdict([calico('NetworkPolicy', 'other/p', {})])).toBe('allow');
    expect(verdict([calico('NetworkPolicy', 'shop/p', { selector: "app == 'client'" })])).toBe('allow');
  });

  it('a GlobalNetworkPolicy: pods of every namespace, by their labels, the automatic ones included', () => {
    const on = (selector: string) => verdict([calico('GlobalNetworkPolicy', 'p', { selector })]);
    expect(on("app == 'web'")).toBe('deny');
    expect(on("projectcalico.org/namespace == 'shop'")).toBe('deny');
    expect(
      on("projectcalico.org/orchestrator == 'k8s' && projectcalico.org/serviceaccount == 'default'"),
    ).toBe('deny');
    expect(on("projectcalico.org/name == 'shop'")).toBe('allow');
  });

  it('a namespaceSelector reads namespace labels, and the name under projectcalico.org/name', () => {
    const on = (namespaceSelector: string) =>
      verdict([calico('GlobalNetworkPolicy', 'p', { namespaceSelector })]);
    expect(on("team == 'a'")).toBe('deny');
    expect(on("team == 'b'")).toBe('allow');
    expect(on("projectcalico.org/name == 'shop'")).toBe('deny');
    expect(on('all()')).toBe('deny');
  });

  it('a serviceAccountSelector reads the labels and the name of the service account', () => {
    const policy = (serviceAccountSelector: string) => [
      calico('NetworkPolicy', 'shop/p', { serviceAccountSelector, egress: DENY }),
    ];
    expect(verdict(policy("role == 'worker'"))).toBe('deny');
    expect(verdict(policy("projectcalico.org/name == 'robot'"))).toBe('deny');
    expect(verdict(policy("role == 'idler'"))).toBe('allow');
  });

  it('own labels of a pod may not pass for those of its namespace', () => {
    const liar = pod('other/liar', { labels: { 'pcns.team': 'a' }, ips: ['10.0.1.9'] });
    const policy = calico('GlobalNetworkPolicy', 'p', { namespaceSelector: "team == 'a'" });
    expect(verdict([liar, policy], tcp('192.0.2.1', 'other/liar', 80))).toBe('allow');
  });

  it('types default to what there are rules for, and to ingress without any', () => {
    const policy = (spec: object) => [
      calico('NetworkPolicy', 'shop/p', { selector: "app == 'web'", ...spec }),
    ];
    expect([verdict(policy({})), verdict(policy({}), OUT)]).toEqual(['deny', 'allow']);
    expect([verdict(policy({ egress: ALLOW })), verdict(policy({ egress: DENY }), OUT)]).toEqual([
      'allow',
      'deny',
    ]);
    const both = policy({ ingress: ALLOW, egress: DENY });
    expect([verdict(both), verdict(both, OUT)]).toEqual(['allow', 'deny']);
  });
});

describe("the order of Calico's policies", () => {
  const tier = (name: string, order: number | undefined, defaultAction = 'Deny') =>
    calico('Tier', name, { order, defaultAction });
  const policy = (
    name: string,
    inTier: string,
    order: number | undefined,
    ingress: object[],
    kind = 'NetworkPolicy',
  ) =>
    calico(kind, kind.includes('Global') ? name : `shop/${name}`, {
      tier: inTier,
      order,
      ingress,
      types: ['Ingress'],
      selector: "app == 'web'",
    });

  it('tiers: by order ascending, without an order last, ties by name', () => {
    const trace = report([
      tier('c', undefined, 'Pass'),
      tier('b', 5, 'Pass'),
      tier('a', 5, 'Pass'),
      policy('x', 'a', 1, []),
      policy('y', 'b', 1, []),
      policy('z', 'c', 1, []),
    ]).ingress.trace;
    expect(trace.map((entry) => entry.split('|')[1])).toEqual(['a', 'b', 'c', '__PROFILE__']);
  });

  it('a tier that does not exist comes after all that do, and denies', () => {
    const { ingress } = report([
      tier('c', undefined, 'Pass'),
      policy('p', 'c', 1, []),
      policy('q', 'gone', 1, []),
    ]);
    expect(ingress.trace).toEqual(['0|c|np:shop/p|pass|-1', '1|gone|np:shop/q|deny|-1']);
  });

  it('policies of a tier: by order ascending, without an order last, ties by name, namespace and kind', () => {
    expect(verdict([policy('a', 'default', undefined, DENY), policy('z', 'default', 9, ALLOW)])).toBe(
      'allow',
    );
    expect(verdict([policy('b', 'default', 9, ALLOW), policy('a', 'default', 9, DENY)])).toBe('deny');
    const same = [policy('a', 'default', 9, DENY, 'GlobalNetworkPolicy'), policy('a', 'default', 9, ALLOW)];
    // "a//GlobalNetworkPolicy" is before "a/shop/NetworkPolicy".
    expect(verdict(same)).toBe('deny');
  });

  it('Kubernetes policies stand in the default tier at order 1000, among the others', () => {
    const kubernetes = networkPolicy('shop/k', { podSelector: {}, ingress: [{}] });
    expect(verdict([kubernetes, policy('p', 'default', 999, DENY)])).toBe('deny');
    expect(verdict([kubernetes, policy('p', 'default', 1001, DENY)])).toBe('allow');
    expect(verdict([kubernetes, policy('a', 'default', 1000, DENY)])).toBe('deny');
    expect(verdict([kubernetes, policy('z', 'default', 1000, DENY)])).toBe('allow');
  });

  it('cluster network policies stand in kube-admin at order 1000, between tiers of the user', () => {
    const deny = clusterPolicy('c', {
      tier: 'Admin',
      priority: 5,
      subject: { namespaces: {} },
      ingress: [{ action: 'Deny', from: [{ namespaces: {} }] }],
    });
    expect(verdict([deny, tier('early', 10), policy('p', 'early', 1, ALLOW)])).toBe('allow');
    expect(verdict([deny, tier('late', 2000), policy('p', 'late', 1, ALLOW)])).toBe('deny');
    expect(verdict([deny, policy('p', 'kube-admin', 4, ALLOW)])).toBe('allow');
  });
});

describe('what becomes of a connection in tiers', () => {
  const tiers = [
    calico('Tier', 'first', { order: 1, defaultAction: 'Deny' }),
    calico('Tier', 'second', { order: 2, defaultAction: 'Pass' }),
  ];
  const policy = (name: string, tier: string, ingress: object[], kind = 'NetworkPolicy') =>
    calico(kind, `shop/${name}`, { tier, selector: "app == 'web'", types: ['Ingress'], ingress });
  const trace = (...policies: KubernetesObject[]) => report([...tiers, ...policies]).ingress.trace;

  it('pass leaves the tier at once, and every passed tier is listed', () => {
    expect(trace(policy('p', 'first', [{ action: 'Pass' }, ...DENY]), policy('q', 'default', ALLOW))).toEqual(
      ['0|first|np:shop/p|pass|0', '1|default|np:shop/q|allow|0'],
    );
  });

  it('log goes on to the next rule and is in no trace', () => {
    expect(trace(policy('p', 'first', [{ action: 'Log' }, ...ALLOW]))).toEqual(['0|first|np:shop/p|allow|1']);
  });

  it('no match ends in the default action of the tier, named by the last policy that applies', () => {
    const nothing = [{ action: 'Allow', protocol: 'UDP' }];
    expect(trace(policy('a', 'first', nothing), policy('b', 'first', []))).toEqual([
      '0|first|np:shop/b|deny|-1',
    ]);
    expect(trace(policy('a', 'second', nothing))).toEqual([
      '0|second|np:shop/a|pass|-1',
      '1|__PROFILE__|pro:kns.shop|allow|0',
    ]);
  });

  it('a policy with log rules only, or none, still makes its tier apply', () => {
    expect(verdict([...tiers, policy('p', 'first', [{ action: 'Log' }])])).toBe('deny');
    expect(verdict([...tiers, policy('p', 'first', [])])).toBe('deny');
  });

  it('a tier in which no policy applies has no effect and no entry', () => {
    const elsewhere = calico('NetworkPolicy', 'other/p', { tier: 'first' });
    expect(trace(elsewhere)).toEqual(['0|__PROFILE__|pro:kns.shop|allow|0']);
  });

  it('what the last tier passes is allowed by the profile of the namespace', () => {
    expect(trace(policy('p', 'first', [{ action: 'Pass' }]))).toEqual([
      '0|first|np:shop/p|pass|0',
      '1|__PROFILE__|pro:kns.shop|allow|0',
    ]);
  });
});

describe('staged policies', () => {
  const tiers = [calico('Tier', 'first', { order: 1, defaultAction: 'Deny' })];
  const staged = (spec: object) =>
    calico('StagedNetworkPolicy', 'shop/s', { tier: 'first', selector: "app == 'web'", ...spec });

  it('act only in the pending view; a tier with staged ones only is skipped in the enforced one', () => {
    const { ingress, pending, verdict: enforced } = report([...tiers, staged({ ingress: [] })]);
    expect(enforced).toBe('allow');
    expect(ingress.trace).toEqual(['0|__PROFILE__|pro:kns.shop|allow|0']);
    expect(pending.verdict).toBe('deny');
    expect(pending.ingress.trace).toEqual(['0|first|snp:shop/s|deny|-1']);
  });

  it('are left out of the enforced trace, which is numbered without them', () => {
    const enforced = calico('NetworkPolicy', 'shop/e', {
      tier: 'first',
      order: 2,
      selector: "app == 'web'",
      ingress: ALLOW,
    });
    const { ingress, pending } = report([
      ...tiers,
      staged({ order: 1, ingress: [{ action: 'Pass' }] }),
      enforced,
    ]);
    expect(ingress.trace).toEqual(['0|first|np:shop/e|allow|0']);
    expect(pending.ingress.trace).toEqual([
      '0|first|snp:shop/s|pass|0',
      '1|__PROFILE__|pro:kns.shop|allow|0',
    ]);
  });

  it('of the Kubernetes kind stand where the policy would, at order 1000 of the default tier', () => {
    const kubernetes = calico('StagedKubernetesNetworkPolicy', 'shop/k', {
      podSelector: { matchLabels: { app: 'web' } },
    });
    const { pending } = report([kubernetes]);
    expect(pending.ingress.trace).toEqual(['0|default|sknp:shop/k|deny|-1']);
  });

  it('name the end of a tier by the first policy that applies in the pending view', () => {
    const enforced = calico('NetworkPolicy', 'shop/e', { tier: 'first', order: 2, selector: "app == 'web'" });
    const { ingress, pending } = report([...tiers, enforced, staged({ order: 1 })]);
    expect(ingress.trace).toEqual(['0|first|np:shop/e|deny|-1']);
    expect(pending.ingress.trace).toEqual(['0|first|snp:shop/s|deny|-1']);
  });

  it('that are to delete take no part in either view', () => {
    expect(report([...tiers, staged({ stagedAction: 'Delete', ingress: DENY })])).toMatchObject({
      verdict: 'allow',
      pending: { verdict: 'allow' },
    });
  });
});

describe('host endpoints', () => {
  const host = (spec: object = {}) =>
    calico(
      'HostEndpoint',
      'eth0',
      { node: 'n1', interfaceName: 'eth0', expectedIPs: ['172.18.0.2'], ...spec },
      { role: 'node' },
    );
  const IN = tcp('192.0.2.1', '172.18.0.2', 8080);

  it('deny what no policy or profile allows', () => {
    expect(report([host()], IN)).toMatchObject({
      verdict: 'deny',
      ingress: { trace: ['0|__PROFILE__|pro:__PROFILE__|deny|-1'] },
    });
    expect(verdict([host()], tcp('172.18.0.2', '192.0.2.1', 8080))).toBe('deny');
  });

  it('allow by profile, the default one included', () => {
    expect(report([host({ profiles: ['projectcalico-default-allow'] })], IN).ingress.trace).toEqual([
      '0|__PROFILE__|pro:projectcalico-default-allow|allow|0',
    ]);
    const profile = calico('Profile', 'web', {
      ingress: [{ action: 'Allow', protocol: 'TCP', destination: { ports: [8080] } }],
    });
    expect(verdict([host({ profiles: ['web'] }), profile], IN)).toBe('allow');
    expect(verdict([host({ profiles: ['web'] }), profile], tcp('192.0.2.1', '172.18.0.2', 81))).toBe('deny');
  });

  it('are selected by global policies without a namespaceSelector, never by one for all() namespaces', () => {
    const policy = (spec: object) => [
      host(),
      calico('GlobalNetworkPolicy', 'p', { ingress: ALLOW, ...spec }),
    ];
    expect(verdict(policy({ selector: "role == 'node'" }), IN)).toBe('allow');
    expect(verdict(policy({}), IN)).toBe('allow');
    expect(verdict(policy({ namespaceSelector: 'all()' }), IN)).toBe('deny');
  });

  it('admit fail-safe ports whatever policies say', () => {
    expect(verdict([host()], tcp('192.0.2.1', '172.18.0.2', 22))).toBe('allow');
    expect(verdict([host()], { from: '172.18.0.2', to: '192.0.2.1', protocol: 'UDP', port: 53 })).toBe(
      'allow',
    );
    expect(verdict([host()], { from: '192.0.2.1', to: '172.18.0.2', protocol: 'UDP', port: 53 })).toBe(
      'deny',
    );
  });

  it('lend their labels to selectors of rules by their expected addresses', () => {
    const policy = calico('NetworkPolicy', 'shop/p', {
      selector: "app == 'web'",
      ingress: [{ action: 'Allow', source: { selector: "role == 'node'", namespaceSelector: 'global()' } }],
    });
    const open = host({ profiles: ['projectcalico-default-allow'] });
    expect(verdict([open, policy], tcp('172.18.0.2', 'shop/web', 80))).toBe('allow');
    expect(verdict([open, policy], tcp('172.18.0.3', 'shop/web', 80))).toBe('deny');
  });

  it('govern their node without expected addresses if they are for all interfaces, else leave it open', () => {
    const at = node('n1', ['172.18.0.2']);
    const any = calico('HostEndpoint', 'any', { node: 'n1', interfaceName: '*' });
    expect(verdict([at, any], IN)).toBe('deny');
    const one = calico('HostEndpoint', 'one', { node: 'n1', interfaceName: 'eth1' });
    expect(report([at, one], IN)).toMatchObject({
      verdict: 'unknown',
      notes: [expect.stringContaining('one') as string],
    });
  });

  it('are undecided where doNotTrack or preDNAT policies apply, which is said', () => {
    const policy = (spec: object) => [
      host({ profiles: ['projectcalico-default-allow'] }),
      calico('GlobalNetworkPolicy', 'raw', { applyOnForward: true, ingress: DENY, ...spec }),
    ];
    expect(report(policy({ doNotTrack: true }), IN)).toMatchObject({
      verdict: 'unknown',
      ingress: { trace: ['0|default|gnp:raw|unknown|-2'] },
      notes: ['gnp:raw: doNotTrack policies are not evaluated'],
    });
    expect(verdict(policy({ preDNAT: true }), IN)).toBe('unknown');
    // Such policies are no part of what pods go through.
    expect(verdict(policy({ doNotTrack: true }))).toBe('allow');
  });

  it('say of policies on forwarded traffic that they are not evaluated for pods of the node', () => {
    const objects = [
      host(),
      pod('shop/here', { ips: ['10.0.0.7'], node: 'n1' }),
      calico('GlobalNetworkPolicy', 'forward', {
        selector: "role == 'node'",
        applyOnForward: true,
        ingress: DENY,
      }),
    ];
    expect(report(objects, tcp('192.0.2.1', 'shop/here', 80)).notes).toEqual([
      'gnp:forward of host endpoint eth0 is not evaluated for traffic that node n1 forwards',
    ]);
    expect(verdict(objects, IN)).toBe('deny');
  });
});
