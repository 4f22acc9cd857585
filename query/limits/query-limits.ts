import { invalidQuery } from '../errors.js';
import type { TimeRange } from '../time-range.js';
import type { ConcurrencyLimits } from './concurrency-limiter.js';

/** Bounds of a single query, and of all queries at a time. */
export interface QueryLimits {
  /** Longest time range, in milliseconds. */
  readonly rangeMs: number;
  /** Most records or rows in one answer. */
  readonly rows: number;
  /** Seconds after which the engine stops a query. */
  readonly querySeconds: number;
  /** Most memory of the engine for one query, in bytes. */
  readonly queryBytes: number;
  /** Queries that the store runs at the same time, and that wait; those beyond are refused. */
  readonly queries: ConcurrencyLimits;
}

const DAY_MS = 86_400_000;

/** Bounds for a store that many readers share. */
export const defaultQueryLimits: QueryLimits = {
  rangeMs: 92 * DAY_MS,
  rows: 10_000,
  querySeconds: 20,
  queryBytes: 2 ** 31,
  queries: { concurrent: 16, waiting: 256 },
};

/** @throws QueryError SONDE_INVALID_PARAMETER if the range is longer than the limit. */
export function checkRange({ from, to }: TimeRange, { rangeMs }: QueryLimits): void {
  if (to - from <= rangeMs) return;
  throw invalidQuery([
    { parameter: 'from', reason: `the time range may be ${rangeMs / DAY_MS} days long at most` },
  ]);
}
