import type { ConcurrencyLimits } from '@sonde/query/limits/concurrency-limiter';
import { defaultQueryLimits, type QueryLimits } from '@sonde/query/limits/query-limits';
import type { Rate } from './token-buckets.js';

/** Bounds of requests: of a single one, of one identity at a time, and of all together. */
export interface Limits extends QueryLimits, ConcurrencyLimits {
  /** Longest body of a request, in bytes. */
  readonly bodyBytes: number;
  /** Request rate of an identity. */
  readonly requests: Rate;
  /** Requests of an identity that run at the same time; others wait. */
  readonly concurrent: number;
  /** Requests of an identity that may wait; those beyond are refused. */
  readonly waiting: number;
  /** Live streams of an identity at the same time. */
  readonly streams: number;
}

/** Limits of a server that many people and programs share. */
export const defaultLimits: Limits = {
  ...defaultQueryLimits,
  bodyBytes: 1 << 20,
  requests: { burst: 200, perSecond: 50 },
  concurrent: 8,
  waiting: 64,
  streams: 16,
};

/** Limits without authentication: all clients share one identity, and the machine is theirs. */
export const localLimits: Limits = {
  ...defaultLimits,
  requests: { burst: Infinity, perSecond: 1 },
  concurrent: 16,
  waiting: 1000,
  streams: 1000,
  // Requests that one identity may have are no more.
  queries: { concurrent: Infinity, waiting: 0 },
};
