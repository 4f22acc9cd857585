import { Cluster } from '@sonde/model/cluster/cluster';
import { NO_NETWORK_SET } from '@sonde/model/cluster/network-sets';
import { identityOf } from '@sonde/model/cluster/identity';
import { expect, it } from 'vitest';
import { EndpointCache, UNKNOWN_ENDPOINT } from './endpoint-cache.js';

function knownOf(cluster: Cluster) {
  const ends = new EndpointCache(cluster);
  const describe = (end: number) => `${ends.stringsOf('namespace')[end]}/${ends.stringsOf('name')[end]}`;
  return { ends, describe };
}

const pod = (name: string) =>
  identityOf('pod', { apiVersion: 'v1', kind: 'Pod', metadata: { namespace: 'shop', name } });

it('an end keeps its number, and nothing known is number 0', () => {
  const cluster = new Cluster();
  const identity = cluster.identities.add(pod('web-1'));
  const { ends, describe } = knownOf(cluster);
  const end = ends.idOf(identity, NO_NETWORK_SET);
  expect(describe(end)).toBe('shop/web-1');
  expect(ends.idOf(identity, NO_NETWORK_SET)).toBe(end);
  expect(ends.idOf(0, NO_NETWORK_SET)).toBe(UNKNOWN_ENDPOINT);
});

it('an owner that is said more exactly is described again', () => {
  const cluster = new Cluster();
  const identity = cluster.identities.add(pod('web-1'));
  const { ends, describe } = knownOf(cluster);
  const before = ends.idOf(identity, NO_NETWORK_SET);
  cluster.identities.correct(identity, pod('web-2'));
  const after = ends.idOf(identity, NO_NETWORK_SET);
  expect([describe(before), describe(after)]).toEqual(['shop/web-1', 'shop/web-2']);
});

it('a network set that has changed is described again', () => {
  const cluster = new Cluster();
  const { ends, describe } = knownOf(cluster);
  const setNamed = (name: string) => ({
    apiVersion: 'projectcalico.org/v3',
    kind: 'GlobalNetworkSet',
    metadata: { name },
    spec: { nets: ['198.51.100.0/24'] },
  });
  const address = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 198, 51, 100, 1);
  const endOf = () => ends.idOf(0, cluster.networkSets.lookup(address, 0));
  cluster.networkSets.set(setNamed('partners'));
  const before = endOf();
  cluster.networkSets.remove(setNamed('partners'));
  cluster.networkSets.set(setNamed('suppliers'));
  expect([describe(before), describe(endOf())]).toEqual(['/partners', '/suppliers']);
});
