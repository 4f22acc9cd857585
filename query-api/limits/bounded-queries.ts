import type { FlowStore } from '@sonde/backbone/store/store';
import { Problem } from '../http/problem.js';
import { type ConcurrencyLimits, ConcurrencyLimiter } from './concurrency-limiter.js';

/**
 * The store, asked so much at the same time and no more, whoever asks: each query may take much of the engine's
 * memory. The rest waits in the order it came.
 * @throws (its queries) Problem 503 if too many wait already.
 */
export function boundQueries(
  store: Pick<FlowStore, 'query'>,
  limits: ConcurrencyLimits,
): Pick<FlowStore, 'query'> {
  const turns = new ConcurrencyLimiter(limits);
  return {
    async query<Row>(...[sql, parameters, options]: Parameters<FlowStore['query']>): Promise<Row[]> {
      const end = await turns.acquire('', options?.signal ?? UNENDING);
      if (!end) {
        throw new Problem(503, 'the store is asked more than it can answer at present', [], {
          'retry-after': '1',
        });
      }
      try {
        return await store.query<Row>(sql, parameters, options);
      } finally {
        end();
      }
    },
  };
}

/** Of who waits however long it takes. */
const UNENDING = new AbortController().signal;
