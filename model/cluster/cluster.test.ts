import { describe, expect, it } from 'vitest';
import { parseAddress } from '../net/address.js';
import { Cluster } from './cluster.js';
import type { KubernetesObject } from './objects.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');

function object(kind: string, name: string, rest: object = {}, metadata: object = {}): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata: { name, namespace: 'shop', ...metadata }, ...rest };
}

function pod(
  name: string,
  ip: string,
  metadata: object = {},
  spec: object = {},
  status: object = {},
): KubernetesObject {
  return object('Pod', name, { spec, status: { phase: 'Running', podIPs: [{ ip }], ...status } }, metadata);
}

function identityAt(cluster: Cluster, address: string, timeMs = NOW) {
  return cluster.identities.identity(cluster.identities.lookup(parseAddress(address), 0, timeMs));
}

function clusterOf(...objects: KubernetesObject[]): Cluster {
  const cluster = new Cluster();
  cluster.applyAll(objects, NOW);
  return cluster;
}

describe('a cluster', () => {
  it('names a pod with its workload, service account, labels, node and zone', () => {
    const owner = (kind: string, name: string) => ({ ownerReferences: [{ kind, name, controller: true }] });
    const cluster = clusterOf(
      pod(
        'web-5d9-x',
        '10.0.0.1',
        {
          ...owner('ReplicaSet', 'web-5d9'),
          labels: { tier: 'front', app: 'web', 'pod-template-hash': '5d9' },
        },
        { nodeName: 'node-a', serviceAccountName: 'web' },
      ),
      object('ReplicaSet', 'web-5d9', {}, owner('Deployment', 'web')),
      object(
        'Node',
        'node-a',
        {},
        { namespace: undefined, labels: { 'topology.kubernetes.io/zone': 'zone-1' } },
      ),
    );
    expect(identityAt(cluster, '10.0.0.1')).toEqual({
      kind: 'pod',
      namespace: 'shop',
      name: 'web-5d9-x',
      workload: 'web',
      workloadKind: 'Deployment',
      serviceAccount: 'web',
      labels: 'app=web,tier=front',
      node: 'node-a',
      zone: 'zone-1',
    });
  });

  it('finds the Deployment of a pod whose ReplicaSet it never saw, by the template hash', () => {
    const metadata = {
      ownerReferences: [{ kind: 'ReplicaSet', name: 'web-abc' }],
      labels: { 'pod-template-hash': 'abc' },
    };
    expect(identityAt(clusterOf(pod('p', '10.0.0.1', metadata)), '10.0.0.1')).toMatchObject({
      workload: 'web',
      workloadKind: 'Deployment',
    });
  });

  it('takes a pod that nothing owns for its own workload', () => {
    expect(identityAt(clusterOf(pod('alone', '10.0.0.1')), '10.0.0.1')).toMatchObject({
      workload: 'alone',
      workloadKind: 'Pod',
      serviceAccount: 'default',
    });
  });

  it('never gives the node address to a host-network pod', () => {
    const node = { status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] } };
    const cluster = clusterOf(
      object('Node', 'node-a', node, { namespace: undefined }),
      pod('agent', '192.0.2.1', {}, { hostNetwork: true }),
    );
    expect(identityAt(cluster, '192.0.2.1')).toMatchObject({ kind: 'node', name: 'node-a' });
  });

  it('does not give an address to a pod that has finished', () => {
    const cluster = clusterOf(pod('done', '10.0.0.1', {}, {}, { phase: 'Succeeded' }));
    expect(identityAt(cluster, '10.0.0.1')).toBeUndefined();
  });

  it('knows nothing of a pod before it started', () => {
    const cluster = clusterOf(pod('late', '10.0.0.1', {}, {}, { startTime: '2026-01-01T00:00:10Z' }));
    expect(identityAt(cluster, '10.0.0.1', NOW)).toBeUndefined();
    expect(identityAt(cluster, '10.0.0.1', NOW + 10_000)).toMatchObject({ name: 'late' });
  });

  it('knows a service by every address it has, in both families, and none of a headless one', () => {
    const cluster = clusterOf(
      object('Service', 'api', {
        spec: { clusterIP: '10.96.0.1', clusterIPs: ['10.96.0.1', '2001:db8:96::1'] },
      }),
      object('Service', 'headless', { spec: { clusterIP: 'None', clusterIPs: ['None'] } }),
    );
    for (const address of ['10.96.0.1', '2001:db8:96::1']) {
      expect(identityAt(cluster, address)).toMatchObject({ kind: 'service', namespace: 'shop', name: 'api' });
    }
    expect(cluster.problems).toEqual([]);
  });

  it('reports an address that it cannot read, and keeps the others', () => {
    const cluster = clusterOf(
      pod('odd', '10.0.0.1', {}, {}, { podIPs: [{ ip: '10.0.0.300' }, { ip: '10.0.0.2' }] }),
    );
    expect(cluster.problems).toEqual([
      {
        object: 'Pod shop/odd',
        field: 'status.podIPs',
        reason: '"10.0.0.300" is not an IPv4 or IPv6 address',
      },
    ]);
    expect(identityAt(cluster, '10.0.0.2')).toMatchObject({ name: 'odd' });
  });
});

describe('network sets', () => {
  function setsOf(...sets: [name: string, nets: string[], namespace?: string][]): Cluster {
    return clusterOf(
      ...sets.map(([name, nets, namespace]) =>
        namespace === undefined
          ? object('GlobalNetworkSet', name, { spec: { nets } }, { namespace: undefined })
          : object('NetworkSet', name, { spec: { nets } }, { namespace }),
      ),
    );
  }
  const lookup = (cluster: Cluster, address: string) =>
    cluster.networkSets.match(cluster.networkSets.lookup(parseAddress(address), 0));

  it('name an address by the longest prefix, and list every set that holds it', () => {
    const cluster = setsOf(
      ['everything', ['0.0.0.0/0']],
      ['partner', ['203.0.113.0/27']],
      ['host', ['203.0.113.10'], 'shop'],
    );
    expect(lookup(cluster, '203.0.113.10')).toMatchObject({
      namespace: 'shop',
      name: 'host',
      all: 'shop/host,partner,everything',
    });
    expect(lookup(cluster, '203.0.113.31')).toMatchObject({ name: 'partner' });
    expect(lookup(cluster, '203.0.113.32')).toMatchObject({ name: 'everything', namespace: '' });
  });

  it('break a tie by name', () => {
    expect(lookup(setsOf(['b', ['192.0.2.0/24']], ['a', ['192.0.2.0/24']]), '192.0.2.1')).toMatchObject({
      all: 'a,b',
    });
  });

  it('do not mix the address families', () => {
    const cluster = setsOf(['four', ['0.0.0.0/0']], ['six', ['2001:db8::/32']]);
    expect(lookup(cluster, '2001:db8::1')).toMatchObject({ all: 'six' });
    expect(lookup(cluster, '2001:db9::1')).toBeUndefined();
  });

  it('report what is no prefix, by field', () => {
    const cluster = setsOf(['odd', ['192.0.2.0/33', '192.0.2.0/24']]);
    expect(cluster.problems).toEqual([
      {
        object: 'GlobalNetworkSet odd',
        field: 'spec.nets[0]',
        reason: '"192.0.2.0/33" is not an address or a CIDR prefix',
      },
    ]);
    expect(lookup(cluster, '192.0.2.1')).toMatchObject({ name: 'odd' });
  });
});
