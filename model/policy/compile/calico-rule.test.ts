import { describe, expect, it } from 'vitest';
import type { KubernetesObject } from '../../cluster/objects.js';
import { calico, evaluated, manifest, namespace, pod, tcp } from '@sonde/test/builders/manifests';

const OBJECTS = [
  namespace('shop', { team: 'a' }),
  namespace('other', { team: 'b' }),
  pod('shop/web', {
    labels: { app: 'web' },
    ips: ['10.0.0.1', '2001:db8::1'],
    ports: [{ name: 'http', containerPort: 80 }],
  }),
  pod('shop/client', {
    labels: { app: 'client' },
    ips: ['10.0.0.2', '2001:db8::2'],
    serviceAccount: 'robot',
  }),
  pod('other/client', { labels: { app: 'client' }, ips: ['10.0.1.2', '2001:db8::3'] }),
  calico('GlobalNetworkSet', 'partners', { nets: ['192.0.2.0/24', '10.0.1.0/24'] }, { kind: 'partner' }),
  calico('NetworkSet', 'shop/friends', { nets: ['198.51.100.0/24'] }, { kind: 'friend' }),
];
const FROM_SHOP = tcp('shop/client', 'shop/web', 80);
const FROM_OTHER = tcp('other/client', 'shop/web', 80);
const FROM_PARTNER = tcp('192.0.2.1', 'shop/web', 80);
const FROM_FRIEND = tcp('198.51.100.1', 'shop/web', 80);
const FROM_STRANGER = tcp('203.0.113.1', 'shop/web', 80);

/** Whether an allowing ingress rule of a policy on shop/web matches a connection. */
function matches(
  rule: object,
  connection: object,
  global = false,
  more: readonly KubernetesObject[] = [],
): boolean {
  const spec = { selector: "app == 'web'", ingress: [{ action: 'Allow', ...rule }] };
  const policy = global ? calico('GlobalNetworkPolicy', 'p', spec) : calico('NetworkPolicy', 'shop/p', spec);
  const { verdict } = evaluated([...OBJECTS, ...more, policy], connection);
  expect(verdict).not.toBe('unknown');
  return verdict === 'allow';
}

const sources = (source: object, global = false) =>
  [FROM_SHOP, FROM_OTHER, FROM_PARTNER, FROM_FRIEND, FROM_STRANGER].map((connection) =>
    matches({ source }, connection, global) ? 1 : 0,
  );

describe("the ends that a rule of Calico's selects", () => {
  it('nothing given: any, outsiders included', () => {
    expect(sources({})).toEqual([1, 1, 1, 1, 1]);
    expect(sources({}, true)).toEqual([1, 1, 1, 1, 1]);
  });

  it('a selector in a namespaced policy: of its own namespace only, its network sets included', () => {
    expect(sources({ selector: "app == 'client'" })).toEqual([1, 0, 0, 0, 0]);
    expect(sources({ selector: 'all()' })).toEqual([1, 0, 0, 1, 0]);
    expect(sources({ selector: "kind == 'friend'" })).toEqual([0, 0, 0, 1, 0]);
  });

  it('a selector in a global policy: pods and network sets everywhere', () => {
    expect(sources({ selector: "app == 'client'" }, true)).toEqual([1, 1, 0, 0, 0]);
    expect(sources({ selector: 'has(kind)' }, true)).toEqual([0, 1, 1, 1, 0]);
  });

  it("an address belongs to all that hold it: a pod's address in a network set counts as both", () => {
    expect(sources({ selector: "kind == 'partner'" }, true)).toEqual([0, 1, 1, 0, 0]);
  });

  it('notSelector in a namespaced policy: in the namespace and not selected; outsiders do not match', () => {
    expect(sources({ notSelector: "kind == 'friend'" })).toEqual([1, 0, 0, 0, 0]);
  });

  it('notSelector in a global policy matches outsiders, which a negated selector does not', () => {
    expect(sources({ notSelector: 'has(kind)' }, true)).toEqual([1, 0, 0, 0, 1]);
    expect(sources({ selector: '!has(kind)' }, true)).toEqual([1, 1, 0, 0, 0]);
  });

  it('namespaceSelector: by namespace labels, all() for every namespace, global() for what is in none', () => {
    expect(sources({ namespaceSelector: "team == 'b'" })).toEqual([0, 1, 0, 0, 0]);
    expect(sources({ namespaceSelector: 'all()' })).toEqual([1, 1, 0, 1, 0]);
    expect(sources({ namespaceSelector: 'global()' })).toEqual([0, 1, 1, 0, 0]);
    expect(sources({ namespaceSelector: "team == 'a'", selector: "app == 'client'" })).toEqual([
      1, 0, 0, 0, 0,
    ]);
  });

  it('service accounts by name and by selector, both if both are given', () => {
    expect(sources({ serviceAccounts: { names: ['robot', 'x'] } })).toEqual([1, 0, 0, 0, 0]);
    expect(sources({ serviceAccounts: { selector: "projectcalico.org/name == 'default'" } }, true)).toEqual([
      0, 1, 0, 0, 0,
    ]);
    expect(sources({ serviceAccounts: { names: ['robot'], selector: 'has(role)' } }, true)).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });

  it('nets and notNets: inside any of the one, outside all of the other', () => {
    expect(sources({ nets: ['10.0.0.0/16', '203.0.113.1'] })).toEqual([1, 1, 0, 0, 1]);
    expect(sources({ nets: ['10.0.0.0/16'], notNets: ['10.0.1.0/24'] })).toEqual([1, 0, 0, 0, 0]);
    expect(sources({ notNets: ['0.0.0.0/0'] })).toEqual([0, 0, 0, 0, 0]);
  });

  it('a list of nets without one of the family never matches, not even a negated one', () => {
    const over6 = tcp('2001:db8::3', '2001:db8::1', 80);
    expect(matches({ source: { nets: ['10.0.0.0/8'] } }, over6)).toBe(false);
    expect(matches({ source: { notNets: ['192.0.2.0/24'] } }, over6)).toBe(false);
    expect(matches({ source: { notNets: ['192.0.2.0/24', '2001:db8:1::/48'] } }, over6)).toBe(true);
    expect(matches({ source: { nets: ['10.0.0.0/8', '2001:db8::/32'] } }, over6)).toBe(true);
  });
});

describe("the traffic that a rule of Calico's means", () => {
  it('protocol and notProtocol, by name in any case or by number', () => {
    const udp = { ...FROM_OTHER, protocol: 'UDP' };
    expect([
      matches({ protocol: 'UDP' }, udp),
      matches({ protocol: 17 }, udp),
      matches({ protocol: 'TCP' }, udp),
    ]).toEqual([true, true, false]);
    expect([matches({ notProtocol: 'UDP' }, udp), matches({ notProtocol: 'TCP' }, udp)]).toEqual([
      false,
      true,
    ]);
  });

  it('ports and notPorts: numbers, ranges and names', () => {
    const on = (...ports: (number | string)[]) =>
      matches({ protocol: 'TCP', destination: { ports } }, FROM_OTHER);
    expect([on(80), on('79:81'), on('http'), on(81, 'dns'), on('70:79', '81:90')]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
    expect(matches({ protocol: 'TCP', destination: { notPorts: [80] } }, FROM_OTHER)).toBe(false);
    expect(matches({ protocol: 'TCP', destination: { notPorts: [81] } }, FROM_OTHER)).toBe(true);
    expect(matches({ protocol: 'TCP', destination: { notPorts: ['http'] } }, FROM_OTHER)).toBe(false);
  });

  it('a named port belongs to the endpoint of its side, with its protocol; a rule may leave the protocol out', () => {
    expect(matches({ destination: { ports: ['http'] } }, FROM_OTHER)).toBe(true);
    expect(matches({ destination: { ports: ['http'] } }, { ...FROM_OTHER, protocol: 'UDP' })).toBe(false);
    expect(matches({ destination: { ports: ['http'] } }, { ...FROM_OTHER, port: 81 })).toBe(false);
  });

  it('source ports, where the connection tells its own', () => {
    const from = (sourcePort: number) =>
      matches({ protocol: 'TCP', source: { ports: ['1000:2000'] } }, { ...FROM_OTHER, sourcePort });
    expect([from(999), from(1000), from(2000), from(2001)]).toEqual([false, true, true, false]);
  });

  it('ICMP type and code, of which 0 is a value like others', () => {
    const ping = (icmpType: number, icmpCode = 0) => ({
      from: 'other/client',
      to: 'shop/web',
      protocol: 'ICMP',
      icmpType,
      icmpCode,
    });
    const icmp = (fields: object, connection: object) =>
      matches({ protocol: 'ICMP', icmp: fields }, connection);
    expect([icmp({ type: 8 }, ping(8)), icmp({ type: 0 }, ping(8)), icmp({ type: 0 }, ping(0))]).toEqual([
      true,
      false,
      true,
    ]);
    expect([icmp({ type: 3, code: 0 }, ping(3, 0)), icmp({ type: 3, code: 0 }, ping(3, 1))]).toEqual([
      true,
      false,
    ]);
    expect(matches({ protocol: 'ICMP', notICMP: { type: 8 } }, ping(8))).toBe(false);
    expect(matches({ protocol: 'ICMP', notICMP: { type: 8 } }, ping(3))).toBe(true);
  });

  it('ipVersion, which ICMP and ICMPv6 imply', () => {
    const over6 = tcp('2001:db8::3', '2001:db8::1', 80);
    expect([
      matches({ ipVersion: 6 }, over6),
      matches({ ipVersion: 4 }, over6),
      matches({ ipVersion: 4 }, FROM_OTHER),
    ]).toEqual([true, false, true]);
    const ping6 = { from: '2001:db8::3', to: '2001:db8::1', protocol: 'ICMPv6', icmpType: 128 };
    expect([matches({ protocol: 'ICMPv6' }, ping6), matches({ protocol: 'ICMP' }, ping6)]).toEqual([
      true,
      false,
    ]);
  });
});

describe('services in rules', () => {
  const service = manifest('v1', 'Service', 'other/db', {
    selector: { app: 'db' },
    ports: [{ name: 'sql', port: 5432 }],
    clusterIP: '10.96.0.7',
  });
  const slice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'db-1', namespace: 'other', labels: { 'kubernetes.io/service-name': 'db' } },
    ports: [{ name: 'sql', port: 5433, protocol: 'TCP' }],
    endpoints: [{ addresses: ['10.0.1.2'] }],
  } as KubernetesObject;
  const toService = [
    ...OBJECTS,
    calico('NetworkPolicy', 'shop/p', {
      selector: "app == 'web'",
      egress: [{ action: 'Allow', destination: { services: { name: 'db', namespace: 'other' } } }],
    }),
  ];

  it('at the destination mean the endpoints of the service, on their ports', () => {
    const to = (address: string, port: number) =>
      evaluated([...toService, service, slice], tcp('shop/web', address, port)).verdict;
    expect([to('other/client', 5433), to('other/client', 5432), to('shop/client', 5433)]).toEqual([
      'allow',
      'deny',
      'deny',
    ]);
  });

  it('at the source mean the addresses of the endpoints, whatever the port', () => {
    const rule = { source: { services: { name: 'db', namespace: 'other' } } };
    expect(matches(rule, FROM_OTHER, false, [service, slice])).toBe(true);
    expect(matches(rule, FROM_SHOP, false, [service, slice])).toBe(false);
  });

  it('leave the outcome open if the service selects endpoints that are not given, and match nothing if there is no service', () => {
    expect(evaluated([...toService, service], tcp('shop/web', 'other/client', 5433))).toMatchObject({
      verdict: 'unknown',
      notes: [expect.stringContaining('other/db') as string],
    });
    expect(evaluated(toService, tcp('shop/web', 'other/client', 5433)).verdict).toBe('deny');
  });

  it('are seen behind their address: a connection to a service is evaluated at its endpoints', () => {
    const report = evaluated([...toService, service, slice], tcp('shop/web', '10.96.0.7', 5432));
    expect(report.verdict).toBe('allow');
    expect(report.notes).toEqual(['10.96.0.7 is service other/db: policies apply to its endpoints']);
  });
});

describe('what a flow does not show', () => {
  const http = { action: 'Allow', http: { methods: ['GET'] } };
  const policy = (...ingress: object[]) =>
    calico('NetworkPolicy', 'shop/p', { selector: "app == 'web'", ingress });

  it('HTTP: the verdict is unknown, and so is the rule', () => {
    expect(evaluated([...OBJECTS, policy(http)], FROM_SHOP)).toMatchObject({
      verdict: 'unknown',
      ingress: { trace: ['0|default|np:shop/p|unknown|-2'] },
      notes: ['whether np:shop/p ingress[0] matches is undecided: flows do not contain HTTP requests'],
    });
  });

  it('does not matter where another condition fails, or every way ends alike', () => {
    expect(
      evaluated([...OBJECTS, policy({ ...http, source: { nets: ['192.0.2.0/24'] } })], FROM_SHOP).verdict,
    ).toBe('deny');
    expect(evaluated([...OBJECTS, policy(http, { action: 'Allow' })], FROM_SHOP)).toMatchObject({
      verdict: 'allow',
      ingress: { trace: ['0|default|np:shop/p|unknown|-2', '1|default|np:shop/p|allow|1'] },
    });
  });

  it('a source port that is not given, where a rule looks at it', () => {
    const rule = { action: 'Allow', protocol: 'TCP', source: { ports: [1000] } };
    expect(evaluated([...OBJECTS, policy(rule)], FROM_SHOP).verdict).toBe('unknown');
  });

  it('a pass that may match is followed into the next tiers', () => {
    const tier = calico('Tier', 'first', { order: 1 });
    const pass = calico('NetworkPolicy', 'shop/q', {
      tier: 'first',
      selector: "app == 'web'",
      ingress: [{ action: 'Pass', protocol: 'TCP', source: { ports: [1000] } }],
    });
    expect(evaluated([...OBJECTS, tier, pass], FROM_SHOP).verdict).toBe('unknown');
    expect(evaluated([...OBJECTS, tier, pass, policy({ action: 'Deny' })], FROM_SHOP).verdict).toBe('deny');
  });

  it('the address of a pod that has none yet, where a rule asks for it', () => {
    const pending = pod('shop/pending', { labels: { app: 'new' } });
    const connection = tcp('shop/pending', 'shop/web', 80);
    expect(
      evaluated(
        [...OBJECTS, pending, policy({ action: 'Allow', source: { nets: ['10.0.0.0/8'] } })],
        connection,
      ).verdict,
    ).toBe('unknown');
    expect(
      evaluated(
        [...OBJECTS, pending, policy({ action: 'Allow', source: { selector: "app == 'new'" } })],
        connection,
      ).verdict,
    ).toBe('allow');
  });

  it('domains, until DNS answers are known', () => {
    const egress = calico('NetworkPolicy', 'shop/p', {
      selector: "app == 'web'",
      egress: [{ action: 'Allow', destination: { domains: ['*.example.org'] } }],
    });
    const out = tcp('shop/web', '203.0.113.9', 443);
    expect(evaluated([...OBJECTS, egress], out).verdict).toBe('unknown');
    expect(evaluated([...OBJECTS, egress], out, {}).verdict).toBe('deny');
    expect(evaluated([...OBJECTS, egress], out, { 'www.example.org': ['203.0.113.9'] }).verdict).toBe(
      'allow',
    );
    // The names of pods need no DNS: a rule for domains is for the outside.
    expect(evaluated([...OBJECTS, egress], tcp('shop/web', 'other/client', 443)).verdict).toBe('deny');
  });

  it('domains of network sets, in the same way', () => {
    const set = calico(
      'GlobalNetworkSet',
      'names',
      { allowedEgressDomains: ['example.org'] },
      { zone: 'named' },
    );
    const egress = calico('GlobalNetworkPolicy', 'p', {
      selector: "app == 'web'",
      egress: [{ action: 'Allow', destination: { selector: "zone == 'named'" } }],
    });
    const out = tcp('shop/web', '203.0.113.9', 443);
    expect(evaluated([...OBJECTS, set, egress], out).verdict).toBe('unknown');
    expect(evaluated([...OBJECTS, set, egress], out, { 'example.org': ['203.0.113.9'] }).verdict).toBe(
      'allow',
    );
    expect(evaluated([...OBJECTS, set, egress], out, {}).verdict).toBe('deny');
  });

  it('domains of network sets count only where egress is allowed', () => {
    const set = calico(
      'GlobalNetworkSet',
      'names',
      { allowedEgressDomains: ['example.org'] },
      { zone: 'named' },
    );
    const fromNamed = {
      action: 'Allow',
      source: { selector: "zone == 'named'", namespaceSelector: 'global()' },
    };
    const connection = tcp('203.0.113.9', 'shop/web', 443);
    for (const dns of [undefined, { 'example.org': ['203.0.113.9'] }]) {
      expect(evaluated([...OBJECTS, set, policy(fromNamed)], connection, dns).verdict).toBe('deny');
    }
  });
});
