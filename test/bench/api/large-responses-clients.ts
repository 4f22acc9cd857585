import http from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** What the clients measured. */
export interface LargeResponsesReport {
  readonly responses: number;
  readonly seconds: number;
  readonly healthzMaxMillis: number;
}

/** Concurrent requests of the reader. */
const REQUESTS = 64;
const HEALTHZ_INTERVAL_MS = 50;

/** A process, `large-responses-clients URL TOKEN`, that requests large pages and `/healthz` at the same time. */
const [, , url = '', token = ''] = process.argv;
const agent = new http.Agent({ maxSockets: Infinity });
let isDone = false;
let healthzMaxMillis = 0;
const startMs = performance.now();
const probing = probe();
await Promise.all(
  Array.from({ length: REQUESTS }, () => get('/api/v1/flows?from=-1h&limit=10000', `Bearer ${token}`)),
);
const seconds = (performance.now() - startMs) / 1000;
isDone = true;
await probing;
const report: LargeResponsesReport = { responses: REQUESTS, seconds, healthzMaxMillis };
process.send?.(report);
process.disconnect();

async function probe(): Promise<void> {
  while (!isDone) {
    const sentMs = performance.now();
    await get('/healthz');
    healthzMaxMillis = Math.max(healthzMaxMillis, performance.now() - sentMs);
    await delay(HEALTHZ_INTERVAL_MS);
  }
}

/** Discards the body without parsing it, so that this process is not the bottleneck. */
function get(target: string, authorization?: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    const request = http.get(url + target, { agent, headers }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${target}: ${String(response.statusCode)}`));
      response.on('end', resolve).on('error', reject).resume();
    });
    request.on('error', reject);
  });
}
