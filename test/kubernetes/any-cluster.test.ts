import { createLogger } from '@sonde/backbone/logging';
import { LiveContext } from '@sonde/enricher/pipeline/context';
import { type FollowedCluster, followCluster } from '@sonde/enricher/watch/follow-cluster';
import { kubeConfigSource } from '@sonde/backbone/kubernetes/kube-config';
import { parseAddress } from '@sonde/model/net/address';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import type { PodChoice } from '../builders/pod.js';
import { ClusterUnderTest } from './cluster-under-test.js';

const ROUNDS = 5;
const ROUND_MS = 4000;
const ADDRESSES = 20;

let cluster: ClusterUnderTest;
let followed: FollowedCluster;
let context: LiveContext;
let stop: AbortController;

beforeEach(async () => {
  cluster = await ClusterUnderTest.start();
  context = new LiveContext();
  stop = new AbortController();
  const kubeConfig = kubeConfigSource({ file: cluster.kubeConfigFile });
  const log = createLogger('test', 'silent');
  followed = followCluster({ context, kubeConfig, manifests: [], log, signal: stop.signal });
  await followed.ready;
}, 60_000);

afterEach(async () => {
  stop.abort();
  await followed.ended;
  await cluster.stop();
});

/** The pod of the test's namespace that held an address; undefined if nobody did. */
function holder(ip: string, timeMs: number): string | undefined {
  const { identities } = context.cluster;
  const found = identities.identity(identities.lookup(parseAddress(ip), 0, timeMs));
  return found?.namespace === cluster.namespace ? found.name : found && `${found.namespace}/${found.name}`;
}

it('binds reused addresses to each pod for its lifetime, on any API server', async () => {
  const begin = Math.floor(Date.now() / 1000) * 1000 - ROUNDS * ROUND_MS;
  const slots = Array.from({ length: ADDRESSES }, (_, slot) => slot);
  // Documentation addresses (RFC 5737), which no pod of a real cluster has.
  const podOf = (slot: number, round: number): PodChoice => ({
    ...{ name: `pod-${slot}-${round}`, ip: `192.0.2.${1 + ((slot * 7 + round) % ADDRESSES)}` },
    startMs: begin + round * ROUND_MS,
  });

  for (let round = 0; round < ROUNDS; round++) {
    for (const slot of slots) await cluster.makePod(podOf(slot, round));
    for (const slot of slots) {
      const pod = podOf(slot, round);
      if (round > 0) await cluster.endPod(podOf(slot, round - 1), pod.startMs);
      await cluster.startPod(pod);
    }
  }

  const expected = slots.flatMap((slot) =>
    Array.from({ length: ROUNDS }, (_, round) => podOf(slot, round)).flatMap(({ name, ip, startMs }) =>
      [startMs, startMs + ROUND_MS - 1].map((timeMs) => ({ ip, timeMs, name })),
    ),
  );
  await eventually(() => {
    expect(expected.map(({ ip, timeMs }) => ({ ip, timeMs, name: holder(ip, timeMs) }))).toEqual(expected);
  });
}, 120_000);
