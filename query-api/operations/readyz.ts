import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../http/problem.js';

/** Timeout of the store: longer than a query that it may be busy with. */
const STORE_TIMEOUT_MS = 30_000;
/** How long a result is cached: the route is public, so anybody can call it at any rate. */
const CACHE_MS = 1000;

/** `GET /readyz`: the store responds; 503 while it does not. */
export function readyzRoute(server: FastifyInstance, store: FlowStore, timeoutMs = STORE_TIMEOUT_MS): void {
  const isReady = shared(() => checkStore(store, timeoutMs));
  server.get('/readyz', { schema, config: { access: 'public' } }, async () => {
    await isReady();
    return { status: 'ready' };
  });
}

/** @throws StoreError as `FlowStore.query` does, Problem SONDE_STORE_UNAVAILABLE after the timeout. */
async function checkStore(store: FlowStore, timeoutMs: number): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutMs);
  const timeout = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () =>
      reject(new Problem('SONDE_STORE_UNAVAILABLE', 'the store does not respond in time')),
    );
  });
  await Promise.race([store.query('SELECT 1', {}, { signal: deadline }), timeout]);
}

/** Shares the result of a check among concurrent callers, and caches it for a moment. */
function shared(check: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let untilMs = 0;
  return () => {
    if (current && performance.now() < untilMs) return current;
    const running = check();
    current = running;
    untilMs = Infinity;
    const cache = () => (untilMs = performance.now() + CACHE_MS);
    running.then(cache, cache);
    return running;
  };
}

const schema = {
  summary: 'Checks that the store is reachable',
  response: {
    200: {
      type: 'object',
      description: 'The store is reachable',
      required: ['status'],
      properties: { status: { type: 'string', enum: ['ready'] } },
      examples: [{ status: 'ready' }],
    },
  },
};
