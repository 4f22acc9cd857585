import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { createLogger } from '@sonde/backbone/logging';
import { LiveContext } from '@sonde/enricher/context';
import { followCluster } from '@sonde/enricher/watch/follow-cluster';
import { plainKubeConfig } from '@sonde/enricher/watch/kube-config';
import { parseAddress } from '@sonde/model/cluster/address';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { buildPod } from '../kubernetes/build-pod.js';

const PODS = 50_000;
const LOOKUPS = 1 << 20;
const LOOKUP_ROUNDS = 20;
const EVENTS = 100_000;

/**
 * A cluster of 50,000 pods and 5,000 services: read from an API server (a fake, in a thread of its own), then look-ups
 * by address and time in an order without pattern, then pods that come and go on reused addresses.
 */
export async function run(): Promise<Record<string, number>> {
  const server = new Worker(new URL('./identity-server.js', import.meta.url));
  const stop = new AbortController();
  try {
    const [url] = (await once(server, 'message')) as [string];
    const before = mebibytes();
    const start = performance.now();
    const context = new LiveContext();
    const followed = followCluster({
      ...{ context, manifests: [], log: createLogger('bench', 'silent'), signal: stop.signal },
      kubeConfig: () => plainKubeConfig(url, ''),
    });
    await followed.ready;
    const startSeconds = (performance.now() - start) / 1000;
    if (context.cluster.identities.size < PODS) throw new Error('the benchmark did not read all pods');
    const held = mebibytes() - before;
    stop.abort();
    await followed.ended;
    return {
      'identity.startSeconds': startSeconds,
      'identity.mebibytes': held,
      'identity.kibibytesPerPod': (held * 1024) / PODS,
      'identity.lookupsPerSecond': lookupsPerSecond(context),
      'identity.eventsPerSecond': eventsPerSecond(context),
    };
  } finally {
    stop.abort();
    await server.terminate();
  }
}

function lookupsPerSecond({ cluster: { identities } }: LiveContext): number {
  const addresses = new Uint8Array(LOOKUPS * 16);
  let random = 7;
  for (let row = 0; row < LOOKUPS; row++) {
    // The same sequence in every run (Park and Miller, 1988).
    random = (random * 48_271) % 2_147_483_647;
    addresses.set(addressOf(random % PODS), row * 16);
  }
  const timeMs = Date.now();
  let unknown = 0;
  const start = performance.now();
  for (let round = 0; round < LOOKUP_ROUNDS; round++) {
    for (let row = 0; row < LOOKUPS; row++) {
      if (identities.lookup(addresses, row * 16, timeMs) === UNKNOWN_IDENTITY) unknown++;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  if (unknown > 0) throw new Error(`${unknown} look-ups found nobody`);
  return (LOOKUPS * LOOKUP_ROUNDS) / seconds;
}

/** A pod that comes on an address and then goes counts as two events. */
function eventsPerSecond(context: LiveContext): number {
  const pods = Array.from({ length: EVENTS / 2 }, (_, index) =>
    buildPod({ name: `churn-${index}`, ip: textOf(index % 1000), startMs: Date.now() + index }),
  );
  const start = performance.now();
  for (const pod of pods) {
    context.apply(pod, Date.now());
    context.remove(pod, Date.now());
  }
  return EVENTS / ((performance.now() - start) / 1000);
}

function textOf(pod: number): string {
  return `10.${pod >> 16}.${(pod >> 8) & 255}.${pod & 255}`;
}

function addressOf(pod: number): Uint8Array {
  return parseAddress(textOf(pod));
}

function mebibytes(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
}
