import type { TimeRange } from '../time-range.js';
import { invalidParameters } from '../problem.js';

/** Bounds of what one request may ask for, and of what one identity may ask at once. */
export interface Limits {
  /** The longest time range, in milliseconds. */
  readonly rangeMs: number;
  /** The most records or rows in one answer. */
  readonly rows: number;
  /** Seconds after which the engine gives up a query. */
  readonly querySeconds: number;
  /** The longest body of a request, in bytes. */
  readonly bodyBytes: number;
}

const DAY_MS = 86_400_000;

export const defaultLimits: Limits = {
  rangeMs: 92 * DAY_MS,
  rows: 10_000,
  querySeconds: 20,
  bodyBytes: 1 << 20,
};

/** @throws Problem 400 if the range is longer than may be asked for. */
export function checkRange({ from, to }: TimeRange, { rangeMs }: Limits): void {
  if (to - from <= rangeMs) return;
  throw invalidParameters([
    { parameter: 'from', reason: `the time range may be ${rangeMs / DAY_MS} days long at most` },
  ]);
}
