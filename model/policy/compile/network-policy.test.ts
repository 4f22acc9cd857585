import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../cluster/objects.js';
import { evaluated, namespace, networkPolicy, pod, tcp } from '@sonde/test/builders/manifests';

const PODS = [
  namespace('shop', { team: 'a' }),
  namespace('other', { team: 'b' }),
  pod('shop/web', {
    labels: { app: 'web' },
    ips: ['10.0.0.1'],
    ports: [
      { name: 'http', containerPort: 8080 },
      { name: 'both', containerPort: 53, protocol: 'UDP' },
    ],
  }),
  pod('shop/client', {
    labels: { app: 'client' },
    ips: ['10.0.0.2'],
    ports: [{ name: 'http', containerPort: 80 }],
  }),
  pod('other/client', { labels: { app: 'client' }, ips: ['10.0.1.2'] }),
];

const verdict = (policies: readonly KubernetesObject[], connection: object) =>
  evaluated([...PODS, ...policies], connection).verdict;

/** A policy on shop/web with the given rules for ingress. */
const ingress = (...rules: object[]) => [
  networkPolicy('shop/p', {
    podSelector: { matchLabels: { app: 'web' } },
    policyTypes: ['Ingress'],
    ingress: rules,
  }),
];

const FROM_SHOP = tcp('shop/client', 'shop/web', 8080);
const FROM_OTHER = tcp('other/client', 'shop/web', 8080);
const FROM_OUTSIDE = tcp('192.0.2.1', 'shop/web', 8080);

describe('a NetworkPolicy', () => {
  it('leaves pods that none selects open in both directions', () => {
    expect(verdict([], FROM_OUTSIDE)).toBe('allow');
    expect(verdict([networkPolicy('other/p', { podSelector: {} })], FROM_SHOP)).toBe('allow');
  });

  it('without policyTypes isolates ingress, and egress too if it has egress rules', () => {
    const egressOnly = [networkPolicy('shop/p', { podSelector: {}, egress: [{}] })];
    expect(verdict(egressOnly, FROM_SHOP)).toBe('deny');
    expect(verdict(egressOnly, tcp('shop/client', '192.0.2.1', 80))).toBe('allow');
    expect(verdict([networkPolicy('shop/p', { podSelector: {} })], tcp('shop/client', '192.0.2.1', 80))).toBe(
      'allow',
    );
    expect(
      verdict(
        [networkPolicy('shop/p', { podSelector: {}, policyTypes: ['Egress'] })],
        tcp('shop/client', '192.0.2.1', 80),
      ),
    ).toBe('deny');
  });

  it('selects every pod of its namespace if the podSelector is missing or empty', () => {
    for (const spec of [{}, { podSelector: {} }]) {
      expect(verdict([networkPolicy('shop/p', spec)], FROM_OTHER)).toBe('deny');
      expect(verdict([networkPolicy('shop/p', spec)], tcp('shop/web', 'other/client', 80))).toBe('allow');
    }
  });

  it('admits nothing by missing or empty rules, everything by one empty rule', () => {
    expect(verdict(ingress(), FROM_SHOP)).toBe('deny');
    expect(verdict([networkPolicy('shop/p', { podSelector: {}, policyTypes: ['Ingress'] })], FROM_SHOP)).toBe(
      'deny',
    );
    expect(verdict(ingress({}), FROM_OUTSIDE)).toBe('allow');
    expect(verdict(ingress({ from: [], ports: [] }), { ...FROM_OUTSIDE, protocol: 'SCTP' })).toBe('allow');
  });

  it('admits what any rule of any selecting policy admits', () => {
    const [closed] = ingress();
    const open = networkPolicy('shop/open', { podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] });
    expect(verdict([...(closed ? [closed] : []), open], FROM_OTHER)).toBe('allow');
  });

  it('needs egress at the source and ingress at the destination', () => {
    const denyEgress = networkPolicy('other/p', { podSelector: {}, policyTypes: ['Egress'] });
    expect(verdict([...ingress({}), denyEgress], FROM_OTHER)).toBe('deny');
  });

  it('means pods of its own namespace by a podSelector alone', () => {
    const policy = ingress({ from: [{ podSelector: { matchLabels: { app: 'client' } } }] });
    expect(verdict(policy, FROM_SHOP)).toBe('allow');
    expect(verdict(policy, FROM_OTHER)).toBe('deny');
  });

  it('means all pods of the namespaces by a namespaceSelector alone, empty for all namespaces', () => {
    const policy = ingress({ from: [{ namespaceSelector: { matchLabels: { team: 'b' } } }] });
    expect(verdict(policy, FROM_OTHER)).toBe('allow');
    expect(verdict(policy, FROM_SHOP)).toBe('deny');
    expect(verdict(ingress({ from: [{ namespaceSelector: {} }] }), FROM_SHOP)).toBe('allow');
    expect(verdict(ingress({ from: [{ namespaceSelector: {} }] }), FROM_OUTSIDE)).toBe('deny');
  });

  it('joins two selectors of one peer by and, those of two peers by or', () => {
    const namespaceSelector = { matchLabels: { team: 'b' } };
    const podSelector = { matchLabels: { app: 'web' } };
    expect(verdict(ingress({ from: [{ namespaceSelector, podSelector }] }), FROM_OTHER)).toBe('deny');
    expect(verdict(ingress({ from: [{ namespaceSelector }, { podSelector }] }), FROM_OTHER)).toBe('allow');
  });

  it('finds every namespace by the label kubernetes.io/metadata.name', () => {
    const selector = { matchLabels: { 'kubernetes.io/metadata.name': 'other' } };
    expect(verdict(ingress({ from: [{ namespaceSelector: selector }] }), FROM_OTHER)).toBe('allow');
  });

  it('matches pods as well as outsiders by ipBlock, with host bits of the CIDR cleared', () => {
    expect(verdict(ingress({ from: [{ ipBlock: { cidr: '10.0.1.77/24' } }] }), FROM_OTHER)).toBe('allow');
    expect(verdict(ingress({ from: [{ ipBlock: { cidr: '10.0.1.0/24' } }] }), FROM_OUTSIDE)).toBe('deny');
  });

  it('takes except out of its own cidr only: another peer may admit it again', () => {
    const excepted = { ipBlock: { cidr: '10.0.0.0/8', except: ['10.0.1.0/24'] } };
    expect(verdict(ingress({ from: [excepted] }), FROM_OTHER)).toBe('deny');
    expect(verdict(ingress({ from: [excepted, { ipBlock: { cidr: '10.0.1.2/32' } }] }), FROM_OTHER)).toBe(
      'allow',
    );
  });

  it('means TCP if a port names no protocol, and every port of the protocol if it names no number', () => {
    const portless = ingress({ ports: [{ protocol: 'UDP' }] });
    expect(verdict(portless, { ...FROM_OTHER, protocol: 'UDP' })).toBe('allow');
    expect(verdict(portless, FROM_OTHER)).toBe('deny');
    expect(verdict(ingress({ ports: [{ port: 8080 }] }), { ...FROM_OTHER, protocol: 'UDP' })).toBe('deny');
    expect(verdict(ingress({ ports: [{ port: 8080, protocol: 'SCTP' }] }), FROM_OTHER)).toBe('deny');
  });

  it('reads endPort as the inclusive end of a range', () => {
    const policy = ingress({ ports: [{ port: 8000, endPort: 8080 }] });
    expect(verdict(policy, FROM_OTHER)).toBe('allow');
    expect(verdict(policy, tcp('other/client', 'shop/web', 8081))).toBe('deny');
  });

  it('resolves a named port, with its protocol, at the destination pod, for egress too', () => {
    const policy = ingress({ ports: [{ port: 'http' }] });
    expect(verdict(policy, FROM_OTHER)).toBe('allow');
    expect(verdict(policy, tcp('other/client', 'shop/web', 80))).toBe('deny');
    expect(verdict(ingress({ ports: [{ port: 'both' }] }), tcp('other/client', 'shop/web', 53))).toBe('deny');
    const egress = [
      networkPolicy('other/p', {
        podSelector: {},
        policyTypes: ['Egress'],
        egress: [{ ports: [{ port: 'http' }] }],
      }),
    ];
    expect(verdict(egress, FROM_OTHER)).toBe('allow');
    expect(verdict(egress, tcp('other/client', 'shop/client', 80))).toBe('allow');
    expect(verdict(egress, tcp('other/client', '192.0.2.1', 80))).toBe('deny');
  });

  it('matches ICMP and other protocols by rules without ports only', () => {
    const ping = { from: 'other/client', to: 'shop/web', protocol: 'ICMP', icmpType: 8 };
    expect(verdict(ingress({}), ping)).toBe('allow');
    expect(verdict(ingress({ ports: [{ port: 8080 }] }), ping)).toBe('deny');
    expect(verdict(ingress({}), { from: 'other/client', to: 'shop/web', protocol: 47 })).toBe('allow');
  });

  it('counts rules in traces as split into protocols, by name, and peers', () => {
    const policy = ingress({
      from: [{ ipBlock: { cidr: '192.0.2.0/24' } }, { namespaceSelector: { matchLabels: { team: 'b' } } }],
      ports: [{ port: 53, protocol: 'UDP' }, { port: 8080 }],
    });
    // TCP with either peer comes first, then UDP.
    expect(evaluated([...PODS, ...policy], FROM_OTHER).ingress.trace).toEqual([
      '0|default|knp:shop/p|allow|1',
    ]);
    const dns = { from: '192.0.2.1', to: 'shop/web', protocol: 'UDP', port: 53 };
    expect(evaluated([...PODS, ...policy], dns).ingress.trace).toEqual(['0|default|knp:shop/p|allow|2']);
  });

  it('never keeps a pod from itself, nor its node from it', () => {
    expect(verdict(ingress(), tcp('shop/web', 'shop/web', 8080))).toBe('allow');
    const local = [
      pod('shop/probed', { ips: ['10.0.0.9'], node: 'n1' }),
      networkPolicy('shop/closed', { podSelector: {} }),
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'n1' },
        status: { addresses: [{ type: 'InternalIP', address: '172.18.0.2' }] },
      },
      {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name: 'n2' },
        status: { addresses: [{ type: 'InternalIP', address: '172.18.0.3' }] },
      },
    ];
    expect(verdict(local, tcp('172.18.0.2', 'shop/probed', 80))).toBe('allow');
    expect(verdict(local, tcp('172.18.0.3', 'shop/probed', 80))).toBe('deny');
  });

  it('takes pods on the host network for their node: neither subject nor peer, found by ipBlock', () => {
    const host = pod('shop/agent', {
      labels: { app: 'client' },
      ips: ['172.18.0.2'],
      hostNetwork: true,
      node: 'n1',
    });
    expect(
      verdict([host, networkPolicy('shop/closed', { podSelector: {} })], tcp('192.0.2.1', 'shop/agent', 80)),
    ).toBe('allow');
    const fromAgent = tcp('shop/agent', 'shop/web', 8080);
    expect(verdict([host, ...ingress({ from: [{ podSelector: {} }] })], fromAgent)).toBe('deny');
    expect(verdict([host, ...ingress({ from: [{ ipBlock: { cidr: '172.18.0.0/16' } }] })], fromAgent)).toBe(
      'allow',
    );
  });

  it('gives the address of a finished pod to whoever holds it now', () => {
    const finished = pod('other/done', { labels: { app: 'gone' }, ips: ['10.0.0.2'], phase: 'Succeeded' });
    const policy = ingress({ from: [{ podSelector: { matchLabels: { app: 'client' } } }] });
    expect(verdict([finished, ...policy], tcp('10.0.0.2', 'shop/web', 8080))).toBe('allow');
    expect(verdict([finished, ...policy], tcp('other/done', 'shop/web', 8080))).toBe('unknown');
  });

  it('works over IPv6 as over IPv4, and 0.0.0.0/0 does not hold IPv6', () => {
    const pods = [pod('shop/six', { ips: ['2001:db8::1'] }), pod('other/six', { ips: ['2001:db8::2'] })];
    const from = (cidr: string) =>
      networkPolicy('shop/p', { podSelector: {}, ingress: [{ from: [{ ipBlock: { cidr } }] }] });
    const connection = tcp('other/six', 'shop/six', 80);
    expect(verdict([...pods, from('2001:db8::/64')], connection)).toBe('allow');
    expect(verdict([...pods, from('0.0.0.0/0')], connection)).toBe('deny');
    expect(verdict([from('::/0')], FROM_OTHER)).toBe('deny');
  });
});
