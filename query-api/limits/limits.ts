import type { ConcurrencyLimits } from '@sonde/query/limits/concurrency-limiter';
import { defaultQueryLimits, type QueryLimits } from '@sonde/query/limits/query-limits';
import type { Rate } from './token-buckets.js';

/** Limits of a single request, of one identity, and of the whole server. */
export interface Limits extends QueryLimits, ConcurrencyLimits {
  /** Maximum size of a request body, in bytes. */
  readonly bodyBytes: number;
  /** Request rate of an identity. */
  readonly requests: Rate;
  /** Maximum number of concurrent requests of an identity; others wait. */
  readonly concurrent: number;
  /** Maximum number of waiting requests of an identity; others are refused. */
  readonly waiting: number;
  /** Maximum number of concurrent live streams of an identity. */
  readonly streams: number;
}

/** Limits of a server that many users share. */
export const defaultLimits: Limits = {
  ...defaultQueryLimits,
  bodyBytes: 1 << 20,
  requests: { burst: 200, perSecond: 50 },
  concurrent: 8,
  waiting: 64,
  streams: 16,
};

/** Limits without authentication, where all clients are on this machine and share one identity. */
export const localLimits: Limits = {
  ...defaultLimits,
  requests: { burst: Infinity, perSecond: 1 },
  concurrent: 16,
  waiting: 1000,
  streams: 1000,
  // There is one identity, so its concurrent requests already limit the queries.
  queries: { concurrent: Infinity, waiting: 0 },
};
