import { describe, expect, it } from 'vitest';
import { parseAddress } from '../net/address.js';
import { Cluster } from './cluster.js';
import type { KubernetesObject } from './objects.js';
import { EVERY_NODE } from './port-index.js';

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => START + seconds * 1000;
const text = (seconds: number) => new Date(at(seconds)).toISOString();

interface PodChoice {
  readonly uid?: string;
  readonly ips?: readonly string[];
  readonly startedAt?: number;
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: object;
}

function pod(name: string, choice: PodChoice = {}): KubernetesObject {
  const { uid = `uid-of-${name}`, ips = ['10.0.0.1'], startedAt = 0, metadata, spec, status } = choice;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'shop', uid, ...metadata },
    ...{ spec: { nodeName: 'node-a', ...spec } },
    status: {
      phase: 'Running',
      startTime: text(startedAt),
      podIPs: ips.map((ip) => ({ ip })),
      ...status,
    },
  } as KubernetesObject;
}

function object(kind: string, name: string, rest: object = {}, metadata: object = {}): KubernetesObject {
  return { apiVersion: 'v1', kind, metadata: { name, uid: `uid-of-${name}`, ...metadata }, ...rest };
}

function holder(cluster: Cluster, seconds: number, address = '10.0.0.1') {
  return cluster.identities.identity(cluster.identities.lookup(parseAddress(address), 0, at(seconds)));
}

/** The names of who held an address at each of some seconds. */
function holders(cluster: Cluster, seconds: readonly number[], address?: string): (string | undefined)[] {
  return seconds.map((second) => holder(cluster, second, address)?.name);
}

/** A container that ended. */
const ended = (seconds: number) => ({
  containerStatuses: [{ state: { terminated: { startedAt: text(seconds - 1), finishedAt: text(seconds) } } }],
});

describe('a reused address', () => {
  it('is attributed to the pod that held it at the flow’s time', () => {
    const cluster = new Cluster();
    cluster.apply(pod('first'), at(0));
    cluster.remove(pod('first'), at(10));
    cluster.apply(pod('second', { startedAt: 12 }), at(12));
    expect(holders(cluster, [-1, 0, 9, 10, 11, 12])).toEqual([
      undefined,
      'first',
      'first',
      undefined,
      undefined,
      'second',
    ]);
  });

  it('goes to the right pods whatever the order in which their events come', () => {
    const cluster = new Cluster();
    cluster.apply(pod('second', { startedAt: 10 }), at(11));
    cluster.apply(pod('first'), at(12));
    cluster.remove(pod('first'), at(13));
    expect(holders(cluster, [5, 9, 10, 14])).toEqual(['first', 'first', 'second', 'second']);
  });

  it('stays with the former pod until its end while the newer one only waits for an address', () => {
    const cluster = new Cluster();
    cluster.apply(pod('first'), at(0));
    cluster.remove(pod('first', { status: ended(20) }), at(22));
    const ready = [{ type: 'PodReadyToStartContainers', status: 'True', lastTransitionTime: text(25) }];
    cluster.apply(pod('second', { startedAt: 10, status: { conditions: ready } }), at(26));
    expect(holders(cluster, [15, 20, 22, 25])).toEqual(['first', 'first', 'second', 'second']);
  });

  it('is told apart for pods of one StatefulSet that have the same name', () => {
    const cluster = new Cluster();
    cluster.apply(pod('db-0', { uid: 'old' }), at(0));
    const created = { creationTimestamp: text(30) };
    cluster.apply(pod('db-0', { uid: 'new', ips: ['10.0.0.2'], startedAt: 31, metadata: created }), at(32));
    cluster.remove(pod('db-0', { uid: 'old' }), at(33));
    expect(holders(cluster, [29, 30])).toEqual(['db-0', undefined]);
    expect(holders(cluster, [30, 31, 40], '10.0.0.2')).toEqual([undefined, 'db-0', 'db-0']);
  });
});

describe('a pod', () => {
  it('that is told of again makes no new owner', () => {
    const cluster = new Cluster();
    cluster.apply(pod('web'), at(0));
    const number = cluster.identities.lookup(parseAddress('10.0.0.1'), 0, at(1));
    for (let time = 1; time < 10; time++) cluster.apply(pod('web'), at(time));
    expect(cluster.identities.size).toBe(1);
    expect(cluster.identities.lookup(parseAddress('10.0.0.1'), 0, at(20))).toBe(number);
  });

  it('holds an address from its start on, though the address is told of later', () => {
    const cluster = new Cluster();
    cluster.apply(pod('web', { ips: [] }), at(0));
    expect(cluster.identities.size).toBe(0);
    cluster.apply(pod('web'), at(5));
    cluster.apply(pod('web', { ips: ['10.0.0.1', '2001:db8::1'] }), at(6));
    expect(holders(cluster, [0, 6])).toEqual(['web', 'web']);
    expect(holders(cluster, [6], '2001:db8::1')).toEqual(['web']);
  });

  it('keeps what it was for flows of the time before its labels changed', () => {
    const cluster = new Cluster();
    cluster.apply(pod('web', { metadata: { labels: { track: 'canary' } } }), at(0));
    cluster.apply(pod('web', { metadata: { labels: { track: 'stable' } } }), at(60));
    expect([59, 60].map((second) => holder(cluster, second)?.labels)).toEqual([
      'track=canary',
      'track=stable',
    ]);
  });

  it('that has finished gave its address up when its last container ended', () => {
    const cluster = new Cluster();
    cluster.apply(pod('job'), at(0));
    cluster.apply(pod('job', { status: { phase: 'Succeeded', ...ended(20) } }), at(30));
    cluster.remove(pod('job'), at(90));
    expect(holders(cluster, [20, 21])).toEqual(['job', undefined]);
  });

  it('that is met only after its end is known for the time before', () => {
    const cluster = new Cluster();
    for (const time of [100, 101])
      cluster.apply(pod('job', { status: { phase: 'Failed', ...ended(20) } }), at(time));
    expect(holders(cluster, [0, 20, 21])).toEqual(['job', 'job', undefined]);
    expect(cluster.identities.size).toBe(1);
  });

  it('gets its workload from a controller that is learned of later, for all its time', () => {
    const cluster = new Cluster();
    const owner = (kind: string, name: string) => ({ ownerReferences: [{ kind, name, controller: true }] });
    cluster.apply(pod('report-1', { metadata: owner('Job', 'report-29') }), at(0));
    expect(holder(cluster, 1)).toMatchObject({ workload: 'report-29', workloadKind: 'Job' });
    cluster.apply(
      object('Job', 'report-29', {}, { namespace: 'shop', ...owner('CronJob', 'report') }),
      at(5),
    );
    expect(holder(cluster, 1)).toMatchObject({ workload: 'report', workloadKind: 'CronJob' });
    expect(cluster.identities.size).toBe(1);
  });

  it('gets the zone of a node learned of later for all its time, and a changed zone from then on', () => {
    const cluster = new Cluster();
    const node = (zone: string) =>
      object('Node', 'node-a', {}, { labels: { 'topology.kubernetes.io/zone': zone } });
    cluster.apply(pod('web'), at(0));
    cluster.apply(node('zone-1'), at(5));
    cluster.apply(node('zone-2'), at(60));
    expect([1, 59, 60].map((second) => holder(cluster, second)?.zone)).toEqual([
      'zone-1',
      'zone-1',
      'zone-2',
    ]);
  });

  it('on the network of its node is found by node and port while it runs', () => {
    const cluster = new Cluster();
    const spec = { hostNetwork: true, containers: [{ ports: [{ containerPort: 9100 }] }] };
    cluster.apply(pod('exporter', { ips: ['192.0.2.1'], spec }), at(0));
    cluster.remove(pod('exporter', { ips: ['192.0.2.1'], spec }), at(60));
    const owner = (port: number, seconds: number, node = 'node-a') =>
      cluster.identities.identity(cluster.ports.lookup(node, 6, port, at(seconds)));
    expect(owner(9100, 59)).toMatchObject({ kind: 'host_network_pod', name: 'exporter' });
    expect([owner(9100, 60), owner(9101, 1), owner(9100, 1, 'node-b')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(holder(cluster, 1, '192.0.2.1')).toBeUndefined();
  });
});

describe('what is gone', () => {
  it('is kept until the horizon has passed, and counted when it is forgotten', () => {
    const cluster = new Cluster();
    cluster.apply(pod('gone'), at(0));
    cluster.remove(pod('gone'), at(10));
    cluster.forget(at(9));
    expect(holders(cluster, [5])).toEqual(['gone']);
    cluster.forget(at(10));
    expect(holders(cluster, [5])).toEqual([undefined]);
    expect([cluster.identities.size, cluster.identities.forgotten]).toEqual([0, 1]);
  });

  it('takes no memory after much churn, and what remains keeps its addresses', () => {
    const cluster = new Cluster();
    cluster.apply(pod('stays', { ips: ['10.255.0.1'] }), at(0));
    for (let round = 0; round < 50; round++) {
      const pods = Array.from({ length: 100 }, (_, index) =>
        pod(`churn-${index}`, {
          uid: `${round}-${index}`,
          ips: [`10.${round}.0.${index}`],
          startedAt: round,
        }),
      );
      for (const one of pods) cluster.apply(one, at(round));
      for (const one of pods) cluster.remove(one, at(round + 1));
      cluster.forget(at(round + 1));
    }
    expect([cluster.identities.size, cluster.identities.forgotten]).toEqual([1, 5000]);
    expect(holders(cluster, [0, 100], '10.255.0.1')).toEqual(['stays', 'stays']);
    expect(holders(cluster, [49], '10.49.0.1')).toEqual([undefined]);
  });

  it('does not make a pod that still runs lose its number to another', () => {
    const cluster = new Cluster();
    cluster.apply(pod('missed'), at(0));
    cluster.apply(pod('newer', { startedAt: 10 }), at(10));
    cluster.forget(at(4000));
    cluster.apply(pod('third', { ips: ['10.0.0.3'] }), at(4000));
    cluster.remove(pod('missed'), at(4001));
    expect(holders(cluster, [4002], '10.0.0.3')).toEqual(['third']);
    expect(holders(cluster, [4002])).toEqual(['newer']);
  });
});

describe('the address of two live pods', () => {
  it('returns to the earlier pod when the later one is deleted', () => {
    const cluster = new Cluster();
    cluster.apply(pod('first'), at(0));
    cluster.apply(pod('second', { startedAt: 10 }), at(10));
    cluster.remove(pod('second'), at(20));
    expect(holders(cluster, [9, 10, 19, 20, 5000])).toEqual(['first', 'second', 'second', 'first', 'first']);
    cluster.forget(at(4000));
    cluster.remove(pod('first'), at(5000));
    expect(holders(cluster, [4999, 5000])).toEqual(['first', undefined]);
  });

  it('returns to the earlier service when the later one is deleted', () => {
    const cluster = new Cluster();
    const service = (name: string, seconds: number) =>
      object(
        'Service',
        name,
        { spec: { externalIPs: ['203.0.113.1'] } },
        { creationTimestamp: text(seconds) },
      );
    cluster.apply(service('first', 0), at(0));
    cluster.apply(service('second', 10), at(10));
    cluster.remove(service('second', 10), at(20));
    expect(holders(cluster, [9, 10, 20], '203.0.113.1')).toEqual(['first', 'second', 'first']);
  });
});

describe('a static pod', () => {
  it('is a workload of its own, named as in the manifests of its nodes', () => {
    const cluster = new Cluster();
    for (const node of ['node-a', 'node-b']) {
      const ownerReferences = [{ kind: 'Node', name: node, controller: true }];
      const ips = [`10.0.0.${node === 'node-a' ? 1 : 2}`];
      cluster.apply(
        pod(`etcd-${node}`, { ips, metadata: { ownerReferences }, spec: { nodeName: node } }),
        at(0),
      );
    }
    for (const address of ['10.0.0.1', '10.0.0.2'])
      expect(holder(cluster, 1, address)).toMatchObject({ workloadKind: 'Pod', workload: 'etcd' });
  });
});

describe('a pod with secondary networks', () => {
  const withNetworks = (networkStatus: string) =>
    pod('web', { metadata: { annotations: { 'k8s.v1.cni.cncf.io/network-status': networkStatus } } });

  it('has the addresses of all of them', () => {
    const cluster = new Cluster();
    const networks = [
      { name: 'default', interface: 'eth0', ips: ['10.0.0.1'], default: true },
      { name: 'shop/storage', interface: 'net1', ips: ['192.168.7.5', 'fd00:7::5'] },
      { name: 'shop/sriov', interface: 'net2' },
    ];
    cluster.apply(withNetworks(JSON.stringify(networks)), at(0));
    for (const address of ['10.0.0.1', '192.168.7.5', 'fd00:7::5'])
      expect(holders(cluster, [1], address)).toEqual(['web']);
    cluster.remove(withNetworks(''), at(2));
    expect(holders(cluster, [1, 2], '192.168.7.5')).toEqual(['web', undefined]);
  });

  it.each(['', '{', '{}', '[7, null, {"ips": "10.9.9.9"}]', '[{"ips": [7]}]'])(
    'has only its own address if the annotation is not valid: %s',
    (networkStatus) => {
      const cluster = new Cluster();
      cluster.apply(withNetworks(networkStatus), at(0));
      expect(holders(cluster, [1])).toEqual(['web']);
      expect(cluster.problems).toEqual([]);
    },
  );
});

describe('a service', () => {
  const service = (spec: object) => object('Service', 'web', { spec }, { namespace: 'shop' });

  it('is found by its node port on every node', () => {
    const cluster = new Cluster();
    cluster.apply(service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30_080 }] }), at(0));
    const number = cluster.ports.lookup(EVERY_NODE, 6, 30_080, at(1));
    expect(cluster.identities.identity(number)).toMatchObject({ kind: 'service', name: 'web' });
  });

  it('never takes the address of a node that its load balancer runs on', () => {
    const cluster = new Cluster();
    cluster.apply(service({ type: 'LoadBalancer', externalIPs: ['192.0.2.1'] }), at(0));
    const addresses = [{ type: 'InternalIP', address: '192.0.2.1' }];
    cluster.apply(object('Node', 'node-a', { status: { addresses } }), at(0));
    expect(holder(cluster, 1, '192.0.2.1')).toMatchObject({ kind: 'node', name: 'node-a' });
  });

  it('gives up its address when it goes', () => {
    const cluster = new Cluster();
    cluster.apply(service({ clusterIPs: ['10.96.0.1'] }), at(0));
    cluster.remove(service({ clusterIPs: ['10.96.0.1'] }), at(10));
    expect(holders(cluster, [9, 10], '10.96.0.1')).toEqual(['web', undefined]);
  });
});

describe('a network set', () => {
  it('holds what its last state says, and nothing once it is gone', () => {
    const cluster = new Cluster();
    const set = (net: string) => object('GlobalNetworkSet', 'partners', { spec: { nets: [net] } });
    const found = (address: string) =>
      cluster.networkSets.match(cluster.networkSets.lookup(parseAddress(address), 0))?.name;
    cluster.apply(set('192.0.2.0/24'), at(0));
    cluster.apply(set('203.0.113.0/24'), at(1));
    expect([found('192.0.2.1'), found('203.0.113.1')]).toEqual([undefined, 'partners']);
    cluster.remove(set('203.0.113.0/24'), at(2));
    expect(found('203.0.113.1')).toBeUndefined();
  });
});
