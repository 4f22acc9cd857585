import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import type { LocalFeed } from '@sonde/query-api/live/feed';
import { clusterBlocks } from './cluster-flows.js';
import type { ViewerCounts } from './viewers.js';

const VIEWERS = 200;
const FLOWS_PER_SECOND = 20_000;
/** How often the blocks are shown, which are of five seconds at that rate. */
const ROUNDS = 4;
const MEBIBYTE = 1 << 20;

/** Half of those who watch want everything, the others a namespace of their own each. */
const FILTERS = [
  ...Array.from({ length: VIEWERS / 2 }, () => ''),
  ...Array.from({ length: VIEWERS / 2 }, (_, number) => `either(namespace.endsWith("-${number}"))`),
];

/** Many clients watch what comes, in a process of their own; how much more memory the server's takes meanwhile. */
export async function measureFanOut(
  url: string,
  feed: LocalFeed,
  log: Logger,
): Promise<Record<string, number>> {
  const blocks = await clusterBlocks(
    { windows: 2, connections: 25_000, startMs: Date.parse('2026-02-15T00:00:00Z') },
    log,
  );
  const viewers = fork(path.join(import.meta.dirname, 'viewers.js'), [url, JSON.stringify(FILTERS)]);
  try {
    await once(viewers, 'message');
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
    viewers.send('count');
    const [counts] = (await once(viewers, 'message')) as [ViewerCounts];
    return {
      'api.liveFanoutMebibytes': (most - before) / MEBIBYTE,
      'api.liveFlowsPerSecond': flows / seconds,
      'api.liveEventsPerSecond': counts.records / seconds,
      'api.liveDroppedShare': counts.dropped / (counts.dropped + counts.records),
    };
  } finally {
    viewers.disconnect();
  }
}
