import { fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { LocalFeed } from '@sonde/query-api/live/feed';
import type { FlowBlocks } from './many-flows.js';
import type { ViewerCounts } from './viewers.js';

const VIEWERS = 200;
/** A block of 50,000 flows so often is 20,000 a second. */
const BLOCK_EVERY_MS = 2500;
const BLOCKS = 10;
const MEBIBYTE = 1 << 20;

/** Half of those who watch want everything, the others a namespace of their own each. */
const FILTERS = [
  ...Array.from({ length: VIEWERS / 2 }, () => ''),
  ...Array.from({ length: VIEWERS / 2 }, (_, number) => `either(workload.endsWith("-${number}"))`),
];

/** Many clients watch what comes, in a process of their own; how much more memory the server's takes meanwhile. */
export async function measureFanOut(
  url: string,
  feed: LocalFeed,
  source: FlowBlocks,
): Promise<Record<string, number>> {
  const viewers = fork(path.join(import.meta.dirname, 'viewers.js'), [url, JSON.stringify(FILTERS)]);
  try {
    await once(viewers, 'message');
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let most = before;
    const sampling = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
    const startMs = performance.now();
    for (let number = 0; number < BLOCKS; number++) {
      feed.publish({ flows: source.block(number, Date.now()) });
      await delay(Math.max(0, startMs + (number + 1) * BLOCK_EVERY_MS - performance.now()));
    }
    const seconds = (performance.now() - startMs) / 1000;
    clearInterval(sampling);
    viewers.send('count');
    const [counts] = (await once(viewers, 'message')) as [ViewerCounts];
    return {
      'api.liveFanoutMebibytes': (most - before) / MEBIBYTE,
      'api.liveFlowsPerSecond': (BLOCKS * 50_000) / seconds,
      'api.liveEventsPerSecond': counts.records / seconds,
      'api.liveDroppedShare': counts.dropped / (counts.dropped + counts.records),
    };
  } finally {
    viewers.disconnect();
  }
}
