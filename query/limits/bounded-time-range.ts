import { invalidQuery } from '../errors.js';
import { parseTimeRange, type TimeRange, type TimeRangeParameters } from '../time-range.js';
import type { QueryLimits } from './query-limits.js';

const DAY_MS = 86_400_000;

/**
 * Parses and checks the time range of a request.
 * @throws QueryError SONDE_INVALID_PARAMETER with everything that is wrong with it.
 */
export function parseBoundedTimeRange(parameters: TimeRangeParameters, limits: QueryLimits): TimeRange {
  const range = parseTimeRange(parameters, Date.now());
  if (!('from' in range)) throw invalidQuery(range);
  checkTimeRange(range, limits);
  return range;
}

/** @throws QueryError SONDE_INVALID_PARAMETER if the range is longer than the limit. */
export function checkTimeRange({ from, to }: TimeRange, { rangeMs }: QueryLimits): void {
  if (to - from <= rangeMs) return;
  throw invalidQuery([
    { parameter: 'from', reason: `the time range must be at most ${rangeMs / DAY_MS} days long` },
  ]);
}
