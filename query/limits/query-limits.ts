import type { ConcurrencyLimits } from './concurrency-limiter.js';

/** Limits of a single query, and of all concurrent queries. */
export interface QueryLimits {
  /** Maximum length of the time range, in milliseconds. */
  readonly rangeMs: number;
  /** Maximum number of records or rows in a response. */
  readonly rows: number;
  /** Maximum execution time in the store, in seconds. */
  readonly querySeconds: number;
  /** Maximum memory of a query in the store, in bytes. */
  readonly queryBytes: number;
  /** Maximum number of concurrent and of waiting store queries; others are refused. */
  readonly queries: ConcurrencyLimits;
}

const DAY_MS = 86_400_000;

/** Limits for a store that many users share. */
export const defaultQueryLimits: QueryLimits = {
  rangeMs: 92 * DAY_MS,
  rows: 10_000,
  querySeconds: 20,
  queryBytes: 2 ** 31,
  queries: { concurrent: 16, waiting: 256 },
};
