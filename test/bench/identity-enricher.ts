import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { LiveContext } from '@sonde/enricher/pipeline/context';
import { enrich } from '@sonde/enricher/pipeline/enrich';
import { followCluster } from '@sonde/enricher/watch/follow-cluster';
import { plainKubeConfig } from '@sonde/backbone/kubernetes/kube-config';
import { parseAddress } from '@sonde/model/net/address';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { batchOf } from '../builders/batch.js';
import { observedFlows } from '../builders/observed-flows.js';
import { buildPod } from '../builders/pod.js';
import { below, randomNumbers } from '../builders/random.js';
import { addressOf, PODS } from './identity-cluster.js';

const LOOKUPS = 1 << 20;
const LOOKUP_ROUNDS = 20;
const EVENTS = 100_000;
const FLOWS_A_BATCH = 10_000;
const MEBIBYTE = 2 ** 20;

/**
 * A process that follows the cluster at the URL given as argument, enriches flows from and to every pod, and sends the
 * figures to its parent. It does the work of an enricher, so its memory use is that of an enricher.
 */
const [, , url = ''] = process.argv;
const stop = new AbortController();
const context = new LiveContext();
const start = performance.now();
const followed = followCluster({
  ...{ context, manifests: [], log: createLogger('bench', 'silent'), signal: stop.signal },
  kubeConfig: plainKubeConfig(url, ''),
});
await followed.ready;
const startSeconds = (performance.now() - start) / 1000;
if (context.cluster.identities.size < PODS) throw new Error('the benchmark did not read all pods');
enrichFlows();
// Garbage from reading is collected when the process is idle.
await delay(2000);
const resident = process.memoryUsage.rss() / MEBIBYTE;
const peak = process.resourceUsage().maxRSS / 1024;
stop.abort();
await followed.ended;
process.send?.({
  'identity.startSeconds': startSeconds,
  'identity.mebibytes': resident,
  'identity.peakMebibytes': peak,
  'identity.kibibytesPerPod': (resident * 1024) / PODS,
  'identity.lookupsPerSecond': lookupsPerSecond(),
  'identity.eventsPerSecond': eventsPerSecond(),
});
process.disconnect();

/** Flows from each pod to the next one, so that policies are evaluated for every pod as source and destination. */
function enrichFlows(): void {
  const timeMs = Date.now();
  for (let first = 0; first < PODS; first += FLOWS_A_BATCH) {
    const rows = Array.from({ length: FLOWS_A_BATCH }, (_, index) => ({
      ...{
        src_ip: addressOf(first + index),
        dst_ip: addressOf((first + index + 8) % PODS),
        src_port: 40_000,
      },
      ...{ dst_port: 8080, protocol: 6, tcp_flags: 2, start_time: timeMs, end_time: timeMs },
    }));
    const { columns } = enrich(
      [{ batch: batchOf(observedFlows(rows)), partition: 0, offset: first }],
      context,
    );
    const { indexes, dictionary } = columns.src_name;
    if (indexes.some((index) => dictionary[index] === '')) throw new Error('a flow of a pod has no name');
  }
}

function lookupsPerSecond(): number {
  const { identities } = context.cluster;
  const addresses = new Uint8Array(LOOKUPS * 16);
  const random = randomNumbers(7);
  for (let row = 0; row < LOOKUPS; row++) {
    addresses.set(parseAddress(addressOf(below(PODS, random))), row * 16);
  }
  const timeMs = Date.now();
  let unknown = 0;
  const begin = cpuSeconds();
  for (let round = 0; round < LOOKUP_ROUNDS; round++) {
    for (let row = 0; row < LOOKUPS; row++) {
      if (identities.lookup(addresses, row * 16, timeMs) === UNKNOWN_IDENTITY) unknown++;
    }
  }
  const seconds = cpuSeconds() - begin;
  if (unknown > 0) throw new Error(`${unknown} lookups found no endpoint`);
  return (LOOKUPS * LOOKUP_ROUNDS) / seconds;
}

/** Creating and deleting a pod counts as two events. */
function eventsPerSecond(): number {
  const pods = Array.from({ length: EVENTS / 2 }, (_, index) =>
    buildPod({ name: `churn-${index}`, ip: addressOf(index % 1000), startMs: Date.now() + index }),
  );
  const begin = cpuSeconds();
  for (const pod of pods) {
    context.apply(pod, Date.now());
    context.remove(pod, Date.now());
  }
  return EVENTS / (cpuSeconds() - begin);
}

/** The CPU time of this process; wall time would include waiting for a core. */
function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
