import type { FlowStore } from '@sonde/backbone/store/store';
import { QueryError } from '../errors.js';
import { type ConcurrencyLimits, ConcurrencyLimiter } from './concurrency-limiter.js';

/**
 * Limits the concurrent queries of a store, because each may use much memory there. Others wait in order of arrival.
 * Queries throw QueryError SONDE_STORE_OVERLOADED if too many are waiting.
 */
export function boundQueries(
  store: Pick<FlowStore, 'query'>,
  limits: ConcurrencyLimits,
): Pick<FlowStore, 'query'> {
  const limiter = new ConcurrencyLimiter(limits);
  return {
    async query<Row>(...[sql, parameters, options]: Parameters<FlowStore['query']>): Promise<Row[]> {
      const release = await limiter.acquire('', options?.signal ?? NEVER);
      if (!release) {
        throw new QueryError(
          'SONDE_STORE_OVERLOADED',
          'too many queries are waiting for the store; retry in a second',
        );
      }
      try {
        return await store.query<Row>(sql, parameters, options);
      } finally {
        release();
      }
    },
  };
}

const NEVER = new AbortController().signal;
