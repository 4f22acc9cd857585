import { describe, expect, it } from 'vitest';
import { parseAddress } from '../net/address.js';
import { Cluster } from './cluster.js';
import { addressAnnotations, nodeAddresses } from './node-addresses.js';
import type { KubernetesObject } from './objects.js';

const addressesOf = (annotations: Record<string, string>, podCIDRs: string[] = []) =>
  nodeAddresses({
    metadata: { annotations },
    spec: { podCIDRs },
    status: {
      addresses: [
        { type: 'InternalIP', address: '192.0.2.1' },
        { type: 'Hostname', address: 'node-a' },
      ],
    },
  });

describe('addresses of a node', () => {
  it('are those of its status, and those that network plugins note in annotations', () => {
    const own = (annotations: Record<string, string>) => addressesOf(annotations).own.slice(1);
    expect(addressesOf({}).own).toEqual(['192.0.2.1']);
    expect(
      own({
        'projectcalico.org/IPv4Address': '192.0.2.1/24',
        'projectcalico.org/IPv4VXLANTunnelAddr': '10.42.1.0',
        'projectcalico.org/IPv6WireguardInterfaceAddr': '2001:db8::7',
      }),
    ).toEqual(['10.42.1.0', '2001:db8::7']);
    expect(own({ 'network.cilium.io/ipv4-cilium-host': '10.0.1.173' })).toEqual(['10.0.1.173']);
    expect(own({ 'node.antrea.io/transport-addresses': '192.0.2.9,2001:db8::9' })).toEqual([
      '192.0.2.9',
      '2001:db8::9',
    ]);
    expect(
      own({
        'k8s.ovn.org/node-gateway-router-lrp-ifaddrs': '{"default":{"ipv4":"100.64.0.4/16"}}',
        'k8s.ovn.org/host-cidrs': '["172.18.0.3/16"]',
      }),
    ).toEqual(['172.18.0.3', '100.64.0.4']);
    expect(
      own({ 'k8s.ovn.org/host-cidrs': '[broken', 'flannel.alpha.coreos.com/public-ip': 'none' }),
    ).toEqual([]);
  });

  it('follow from its pod ranges', () => {
    const derived = (annotations: Record<string, string>, podCIDRs?: string[]) =>
      addressesOf(annotations, podCIDRs).derived;
    expect(derived({}, ['10.42.3.0/24', '2001:db8:3::/64'])).toEqual(['10.42.3.1', '2001:db8:3::1']);
    expect(derived({ 'flannel.alpha.coreos.com/backend-type': 'vxlan' }, ['10.42.3.0/24'])).toEqual([
      '10.42.3.1',
      '10.42.3.0',
    ]);
    expect(derived({ 'k8s.ovn.org/node-subnets': '{"default":["10.244.0.0/24"]}' })).toEqual(['10.244.0.2']);
    expect(derived({}, ['10.0.0.1/32', 'nonsense'])).toEqual([]);
  });

  it('need only some of its annotations', () => {
    expect(addressAnnotations({ 'projectcalico.org/IPv4IPIPTunnelAddr': '10.42.1.1', other: 'x' })).toEqual({
      'projectcalico.org/IPv4IPIPTunnelAddr': '10.42.1.1',
    });
    expect(addressAnnotations({ other: 'x' })).toBeUndefined();
  });
});

describe('an address that follows from the pod range of a node', () => {
  const node = {
    ...{ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } },
    ...{ spec: { podCIDRs: ['10.42.3.0/24'] } },
  } as KubernetesObject;
  const pod = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'shop', uid: '1' } },
    ...{ spec: { nodeName: 'node-a' }, status: { phase: 'Running', podIPs: [{ ip: '10.42.3.1' }] } },
  } as KubernetesObject;
  const ownerAt = (cluster: Cluster, timeMs: number) =>
    cluster.identities.identity(cluster.identities.lookup(parseAddress('10.42.3.1'), 0, timeMs))?.kind;

  it('belongs to a pod that has it, whichever of the two is known first', () => {
    for (const objects of [
      [node, pod],
      [pod, node],
    ]) {
      const cluster = new Cluster();
      for (const object of objects) cluster.apply(object, 1000);
      expect(ownerAt(cluster, 2000)).toBe('pod');
      cluster.remove(pod, 3000);
      expect([ownerAt(cluster, 2000), ownerAt(cluster, 4000)]).toEqual(['pod', 'node']);
    }
  });

  it('is not the node any more once that is gone', () => {
    const cluster = new Cluster();
    cluster.apply(node, 1000);
    cluster.remove(node, 3000);
    expect([ownerAt(cluster, 2000), ownerAt(cluster, 4000)]).toEqual(['node', undefined]);
  });
});
