import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore, RecordBlock } from '@sonde/backbone/store/store';
import type { LiveBlock, LocalFeed } from '@sonde/query-api/live/feed';
import { syntheticCluster } from '../synthetic/cluster.js';
import { clusterBlocks, storeClusterFlows } from './cluster-flows.js';
import type { ViewerCounts } from './subscribers.js';

const SUBSCRIBERS = 200;
const FLOWS_PER_SECOND = 20_000;
/** Number of repetitions of the blocks, which contain about four seconds of flows at that rate. */
const ROUNDS = 4;
const MEBIBYTE = 1 << 20;
const START_MS = Date.parse('2026-02-15T00:00:00Z');
const TRAFFIC = { windows: 2, connections: 25_000, startMs: START_MS };
/** Maximum write throughput, with and without subscribers. */
const STORED_TRAFFIC = { windows: 6, connections: 25_000, startMs: START_MS };

/** Of 200 subscribers, 150 watch one namespace each, 30 denied flows, and 20 all flows. */
const TYPICAL = [
  ...Array.from({ length: 150 }, (_, person) => ofNamespace(person)),
  ...Array.from({ length: 30 }, () => 'action == "deny"'),
  ...Array.from({ length: 20 }, () => ''),
];
const EVERYTHING = Array.from({ length: SUBSCRIBERS }, () => '');

function ofNamespace(person: number): string {
  const { namespaces } = syntheticCluster();
  return `either(namespace == "${namespaces[person % namespaces.length] ?? ''}")`;
}

/** Measures many live subscribers in a process of their own: delivered events, cost, and effect on write throughput. */
export async function measureFanOut(
  url: string,
  store: FlowStore,
  feed: LocalFeed,
  log: Logger,
): Promise<Record<string, number>> {
  const blocks = await clusterBlocks(TRAFFIC, log);
  const typical = await withSubscribers(url, TYPICAL, (counts) => show(feed, blocks, counts));
  const everything = await withSubscribers(url, EVERYTHING, (counts) => show(feed, blocks, counts));
  const storing = () => storedPerSecond(store, feed, log);
  await storing();
  const alone = await storing();
  const watched = await withSubscribers(url, TYPICAL, storing);
  const { '': ofAll, ...narrow } = typical.counts;
  return {
    'api.liveFanoutMebibytes': Math.max(typical.mebibytes, everything.mebibytes),
    'api.liveFlowsPerSecond': typical.flowsPerSecond,
    'api.liveEventsPerSecond': sum(typical.counts).records / typical.seconds,
    'api.liveDroppedShareNarrow': droppedShare(sum(narrow)),
    'api.liveDroppedShareEverything': ofAll ? droppedShare(ofAll) : NaN,
    'api.liveUnfilteredFlowsPerSecond': everything.flowsPerSecond,
    'api.liveUnfilteredDroppedShare': droppedShare(sum(everything.counts)),
    'api.liveStoringRatio': watched / alone,
  };
}

type CountsByFilter = Readonly<Record<string, ViewerCounts>>;

async function withSubscribers<Result>(
  url: string,
  filters: readonly string[],
  measure: (counts: () => Promise<CountsByFilter>) => Promise<Result>,
): Promise<Result> {
  const subscribers = fork(path.join(import.meta.dirname, 'subscribers.js'), [url, JSON.stringify(filters)]);
  try {
    await once(subscribers, 'message');
    return await measure(async () => {
      subscribers.send('count');
      const [counts] = (await once(subscribers, 'message')) as [CountsByFilter];
      return counts;
    });
  } finally {
    if (subscribers.connected) subscribers.disconnect();
    if (subscribers.exitCode === null) await once(subscribers, 'exit');
  }
}

/** Delivers blocks at a fixed rate. */
async function show(
  feed: LocalFeed,
  blocks: readonly LiveBlock[],
  countsOf: () => Promise<CountsByFilter>,
): Promise<{ seconds: number; flowsPerSecond: number; mebibytes: number; counts: CountsByFilter }> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let most = before;
  const sampling = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
  const startMs = performance.now();
  let flows = 0;
  for (const block of Array.from({ length: ROUNDS }, () => blocks).flat()) {
    feed.publish(block);
    flows += block.flows?.rows ?? 0;
    await delay(Math.max(0, startMs + (flows / FLOWS_PER_SECOND) * 1000 - performance.now()));
  }
  const seconds = (performance.now() - startMs) / 1000;
  clearInterval(sampling);
  const mebibytes = (most - before) / MEBIBYTE;
  return { seconds, flowsPerSecond: flows / seconds, mebibytes, counts: await countsOf() };
}

/** Stores flows at maximum speed and delivers them to live views in one process. */
async function storedPerSecond(store: FlowStore, feed: LocalFeed, log: Logger): Promise<number> {
  let flows = 0;
  const insert = async (block: RecordBlock) => {
    await store.insert(block);
    feed.publish(block);
    flows += block.flows?.rows ?? 0;
  };
  const startMs = performance.now();
  await storeClusterFlows({ insert }, STORED_TRAFFIC, log);
  return (flows / (performance.now() - startMs)) * 1000;
}

function sum(counts: CountsByFilter): ViewerCounts {
  const all = Object.values(counts);
  const total = (name: keyof ViewerCounts) => all.reduce((sum, one) => sum + one[name], 0);
  return { records: total('records'), dropped: total('dropped') };
}

function droppedShare({ records, dropped }: ViewerCounts): number {
  return dropped / (dropped + records);
}
