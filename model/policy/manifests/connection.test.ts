import { describe, expect, it } from 'vitest';
import {
  evaluated,
  manifest,
  namespace,
  networkPolicy,
  node,
  pod,
  tcp,
} from '@sonde/test/builders/manifests';
import { readManifestCluster } from './cluster.js';
import { ConnectionError } from './connection.js';

const WEB = pod('shop/web', {
  labels: { app: 'web' },
  ips: ['10.0.0.1'],
  ports: [{ name: 'http', containerPort: 8080 }],
});
const CLIENT = pod('shop/client', { labels: { app: 'client' }, ips: ['10.0.0.2'] });
const OBJECTS = [namespace('shop'), WEB, CLIENT];

const problemsOf = (connection: object) => {
  try {
    evaluated(OBJECTS, connection);
  } catch (error) {
    if (error instanceof ConnectionError)
      return error.problems.map(({ field, reason }) => `${field} ${reason}`);
    throw error;
  }
  return [];
};

describe('a connection', () => {
  it('names what it lacks, and what is not there', () => {
    expect(problemsOf({})).toEqual([
      'protocol "" is not a protocol name, nor a number from 1 to 255',
      'from is missing',
      'to is missing',
    ]);
    expect(problemsOf(tcp('shop/gone', 'shop/web', 80))).toEqual([
      'from is the pod or workload shop/gone, which is not in the manifests',
    ]);
    expect(problemsOf(tcp('shop/web', 'example.org', 80))).toEqual([
      'to "example.org" is not a namespace/pod, an address, or a domain name with known addresses',
    ]);
    expect(problemsOf(tcp('shop/client', 'shop/web', 70_000))).toEqual([
      'port must be from 0 to 65535, not 70000',
    ]);
    expect(problemsOf(tcp('shop/client', 'shop/web', 'https'))).toEqual([
      'port "https" is not the name of a TCP port of the destination pod',
    ]);
    expect(problemsOf({ from: 'shop/client', to: 'shop/web', protocol: 'UDP' })).toEqual([
      'port is missing; UDP requires it',
    ]);
  });

  it('may have the address of a pod for the pod, and the name of its port for the port', () => {
    const policy = networkPolicy('shop/p', {
      podSelector: {},
      ingress: [{ from: [{ podSelector: { matchLabels: { app: 'client' } } }], ports: [{ port: 8080 }] }],
    });
    expect(evaluated([...OBJECTS, policy], tcp('10.0.0.2', '10.0.0.1', 'http')).verdict).toBe('allow');
    expect(evaluated([...OBJECTS, policy], tcp('10.0.0.3', '10.0.0.1', 'http')).verdict).toBe('deny');
  });

  it('says which of its fields were not looked at', () => {
    expect(evaluated(OBJECTS, { ...tcp('shop/client', 'shop/web', 80), expect: 'allow' }).notes).toEqual([
      'the field expect was ignored',
    ]);
  });

  it('between pods of both families is evaluated by the first, and notes where the other gets a different verdict', () => {
    const both = [
      namespace('shop'),
      pod('shop/a', { ips: ['10.0.0.1', '2001:db8::1'] }),
      pod('shop/b', { ips: ['10.0.0.2', '2001:db8::2'] }),
      networkPolicy('shop/p', {
        podSelector: {},
        ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }],
      }),
    ];
    expect(evaluated(both, tcp('shop/a', 'shop/b', 80))).toMatchObject({
      verdict: 'allow',
      notes: ['by destination, 10.0.0.2: allow, 2001:db8::2: deny'],
    });
  });

  it('between ends without a family in common is unknown', () => {
    const six = pod('shop/six', { ips: ['2001:db8::1'] });
    expect(evaluated([...OBJECTS, six], tcp('shop/six', 'shop/web', 80)).verdict).toBe('unknown');
  });

  it('to a domain is evaluated by its addresses, and unknown where their verdicts differ', () => {
    const policy = networkPolicy('shop/p', {
      podSelector: {},
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: '192.0.2.0/24' } }] }],
    });
    const to = (...addresses: string[]) =>
      evaluated([...OBJECTS, policy], tcp('shop/web', 'example.org', 443), { 'example.org': addresses });
    expect(to('192.0.2.1', '192.0.2.2').verdict).toBe('allow');
    expect(to('192.0.2.1', '198.51.100.1')).toMatchObject({
      verdict: 'unknown',
      notes: ['it depends on the address: 192.0.2.1: allow, 198.51.100.1: deny'],
    });
  });

  it('to a service without an endpoint for the port is unknown', () => {
    const service = manifest('v1', 'Service', 'shop/s', {
      clusterIP: '10.96.0.1',
      ports: [{ port: 80 }],
      selector: { app: 'none' },
    });
    const { verdict, notes } = evaluated([...OBJECTS, service], tcp('shop/client', '10.96.0.1', 80));
    expect(verdict).toBe('unknown');
    expect(notes[0]).toBe('10.96.0.1 is service shop/s, which has no known endpoint for the port');
  });

  it('to a service without EndpointSlices is evaluated at the pods that it selects', () => {
    const service = manifest('v1', 'Service', 'shop/s', {
      clusterIP: '10.96.0.1',
      ports: [{ port: 80, targetPort: 'http' }],
      selector: { app: 'web' },
    });
    const policy = networkPolicy('shop/p', { podSelector: {}, ingress: [{ ports: [{ port: 8080 }] }] });
    for (const to of ['10.96.0.1', 'service/shop/s']) {
      const { verdict, notes } = evaluated([...OBJECTS, service, policy], tcp('shop/client', to, 80));
      expect([verdict, notes[0]]).toEqual([
        'allow',
        `${to} is service shop/s: policies apply to its endpoints`,
      ]);
    }
  });

  it("to a load balancer's address is one to the service, unless nodes do not translate it", () => {
    const balanced = (ipMode?: string) => ({
      ...manifest('v1', 'Service', 'shop/s', {
        clusterIP: '10.96.0.1',
        ports: [{ port: 80, targetPort: 8080 }],
        selector: { app: 'web' },
      }),
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.80', ...(ipMode && { ipMode }) }] } },
    });
    const outside = networkPolicy('shop/p', {
      podSelector: { matchLabels: { app: 'client' } },
      policyTypes: ['Egress'],
      egress: [{ to: [{ ipBlock: { cidr: '203.0.113.0/24' } }] }],
    });
    const verdict = (service: object) =>
      evaluated([...OBJECTS, service as typeof WEB, outside], tcp('shop/client', '203.0.113.80', 80)).verdict;
    expect([balanced(), balanced('VIP'), balanced('Proxy')].map(verdict)).toEqual(['deny', 'deny', 'allow']);
  });

  it('may name a workload for its pods; their verdicts must be the same', () => {
    const owned = (name: string, app: string, ip: string) => {
      const own = pod(`shop/${name}`, { labels: { app }, ips: [ip] });
      const ownerReferences = [{ kind: 'StatefulSet', name: 'db', controller: true }];
      return { ...own, metadata: { ...own.metadata, ownerReferences } };
    };
    const policy = networkPolicy('shop/p', { podSelector: { matchLabels: { app: 'old' } }, ingress: [] });
    const to = (...pods: (typeof WEB)[]) =>
      evaluated([...OBJECTS, policy, ...pods], tcp('shop/client', 'shop/db', 80));
    expect(to(owned('db-0', 'new', '10.0.0.5'), owned('db-1', 'new', '10.0.0.6')).verdict).toBe('allow');
    const mixed = to(owned('db-0', 'new', '10.0.0.5'), owned('db-1', 'old', '10.0.0.6'));
    expect([mixed.verdict, mixed.notes]).toEqual([
      'unknown',
      ['it depends on the address: 10.0.0.5: allow, 10.0.0.6: deny'],
    ]);
  });

  it('of a pod on the host network has the address of its node', () => {
    const agent = pod('shop/agent', { hostNetwork: true, node: 'n1' });
    const policy = networkPolicy('shop/p', {
      podSelector: {},
      ingress: [{ from: [{ ipBlock: { cidr: '172.18.0.2/32' } }] }],
    });
    const objects = [...OBJECTS, agent, node('n1', ['172.18.0.2']), policy];
    expect(evaluated(objects, tcp('shop/agent', 'shop/web', 80)).verdict).toBe('allow');
  });

  it('says where a namespace is not among the objects, so that its labels are not known', () => {
    expect(evaluated([WEB, CLIENT], tcp('shop/client', 'shop/web', 80)).notes).toEqual([
      'namespace shop is not in the manifests: only its name is known',
    ]);
  });
});

describe('objects of a cluster', () => {
  it('that are given twice are a problem only where they differ', () => {
    expect(readManifestCluster([WEB, WEB]).problems).toEqual([]);
    expect(readManifestCluster([WEB, pod('shop/web', { ips: ['10.0.0.9'] })]).problems).toEqual([
      {
        object: 1,
        field: 'metadata.name',
        reason: 'is that of another, different object of the same kind',
      },
    ]);
  });

  it('with problems count as absent, and every problem is told', () => {
    const broken = {
      ...WEB,
      metadata: { name: 'web', namespace: 'shop', labels: { app: 7 } },
    } as unknown as typeof WEB;
    const { cluster, problems } = readManifestCluster([broken, CLIENT]);
    expect([...cluster.pods.keys()]).toEqual(['shop/client']);
    expect(problems).toEqual([
      { object: 0, field: 'metadata.labels.app', reason: 'must be a string, not 7' },
    ]);
  });
});
