import type { FlowStore } from '@sonde/backbone/store/store';
import { QueryError } from '../errors.js';
import { type ConcurrencyLimits, ConcurrencyLimiter } from './concurrency-limiter.js';

/**
 * The store, asked so much at the same time and no more, whoever asks: each query may take much of the engine's
 * memory. The rest waits in the order it came.
 * @throws (its queries) QueryError SONDE_STORE_OVERLOADED if too many wait already.
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
        throw new QueryError(
          'SONDE_STORE_OVERLOADED',
          'too many queries are waiting for the store; retry in a second',
        );
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
