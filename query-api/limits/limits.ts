import { invalidParameters } from '../http/problem.js';
import type { TimeRange } from '../http/time-range.js';
import type { Rate } from './token-buckets.js';
import type { ConcurrencyLimits } from './concurrency-limiter.js';

/** Bounds of what one request may ask for, and of what one identity, and all together, may ask for at a time. */
export interface Limits {
  /** The longest time range, in milliseconds. */
  readonly rangeMs: number;
  /** The most records or rows in one answer. */
  readonly rows: number;
  /** Seconds after which the engine gives up a query. */
  readonly querySeconds: number;
  /** The most memory of the engine that a query may take, in bytes. */
  readonly queryBytes: number;
  /** The longest body of a request, in bytes. */
  readonly bodyBytes: number;
  /** How often an identity may ask. */
  readonly requests: Rate;
  /** Requests of an identity that are worked on at the same time; others wait. */
  readonly concurrent: number;
  /** Requests of an identity that may wait; those beyond are refused. */
  readonly waiting: number;
  /** Live streams of an identity at the same time. */
  readonly streams: number;
  /** Queries of all together that the store works on at the same time, and that wait; those beyond are refused. */
  readonly queries: ConcurrencyLimits;
}

const DAY_MS = 86_400_000;

/** What one of many people and programs may do to a server that they share. */
export const defaultLimits: Limits = {
  rangeMs: 92 * DAY_MS,
  rows: 10_000,
  querySeconds: 20,
  queryBytes: 2 ** 31,
  bodyBytes: 1 << 20,
  requests: { burst: 200, perSecond: 50 },
  concurrent: 8,
  waiting: 64,
  streams: 16,
  queries: { concurrent: 16, waiting: 256 },
};

/** Without authentication all share one identity, and the machine is theirs. */
export const localLimits: Limits = {
  ...defaultLimits,
  requests: { burst: Infinity, perSecond: 1 },
  concurrent: 16,
  waiting: 1000,
  streams: 1000,
  // Requests that one identity may have are no more.
  queries: { concurrent: Infinity, waiting: 0 },
};

/** @throws Problem 400 if the range is longer than may be asked for. */
export function checkRange({ from, to }: TimeRange, { rangeMs }: Limits): void {
  if (to - from <= rangeMs) return;
  throw invalidParameters([
    { parameter: 'from', reason: `the time range may be ${rangeMs / DAY_MS} days long at most` },
  ]);
}
