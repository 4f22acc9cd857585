import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyInstance } from 'fastify';
import { Problem } from '../http/problem.js';

/** How long the store may take to answer: longer than a query that it may be busy with. */
const ANSWER_MS = 30_000;
/** How long an answer holds: anybody may ask, as often as they like. */
const HOLDS_MS = 1000;

/** `GET /readyz`: the store answers too; while it does not, 503. */
export function readyzRoute(server: FastifyInstance, store: FlowStore, answerMs = ANSWER_MS): void {
  const isReady = shared(() => asked(store, answerMs));
  server.get('/readyz', { schema, config: { access: 'public' } }, async () => {
    await isReady();
    return { status: 'ready' };
  });
}

/** @throws StoreError as `FlowStore.query` does, Problem 503 if the store takes too long. */
async function asked(store: FlowStore, answerMs: number): Promise<void> {
  const limit = AbortSignal.timeout(answerMs);
  const tooLong = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () => reject(new Problem(503, 'the store takes too long to answer')));
  });
  await Promise.race([store.query('SELECT 1', {}, { signal: limit }), tooLong]);
}

/** Asks once for all who want to know at the same time, and for a moment after. */
function shared(ask: () => Promise<void>): () => Promise<void> {
  let answer: Promise<void> | undefined;
  let untilMs = 0;
  return () => {
    if (answer && performance.now() < untilMs) return answer;
    const asking = ask();
    answer = asking;
    untilMs = Infinity;
    const hold = () => (untilMs = performance.now() + HOLDS_MS);
    asking.then(hold, hold);
    return asking;
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
