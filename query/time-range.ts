import { LATEST_MS, parseTimestamp } from '@sonde/model/filter/timestamp';
import type { ParameterError } from './errors.js';

/** A stretch of time in milliseconds since 1970: `from` is in it, `to` is not. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
}

const DEFAULT_LENGTH_MS = 15 * 60_000;

/** The range's parameters, as a JSON schema of a query string. */
export const timeRangeSchema = {
  from: {
    type: 'string',
    description:
      'Start of the time range: RFC 3339, or before now as a number and s, m, h, d or w, for example -2h; ' +
      'by default 15 minutes before `to`',
  },
  to: {
    type: 'string',
    description: 'End of the time range, itself not in it; as `from`, or `now`',
    default: 'now',
  },
} as const;

/**
 * The range that two parameters name; without `from`, the 15 minutes before `to`.
 * @returns the range, or what was wrong with the parameters.
 */
export function parseTimeRange(
  parameters: { readonly from?: string | undefined; readonly to: string },
  now: number,
): TimeRange | readonly ParameterError[] {
  const to = parseTime(parameters.to, now);
  const from =
    parameters.from === undefined ? (to ?? now) - DEFAULT_LENGTH_MS : parseTime(parameters.from, now);
  const errors = Object.entries({ from, to })
    .filter(([, time]) => time === undefined)
    .map(([parameter]) => ({
      parameter,
      reason: 'not a time: give RFC 3339 (2026-03-01T12:00:00Z) or a time before now (-15m, -2h, -1d)',
    }));
  if (from === undefined || to === undefined) return errors;
  if (from >= to) return [{ parameter: 'from', reason: 'must be before `to`' }];
  return { from, to };
}

/** Milliseconds since 1970 of an RFC 3339 time, of `now`, or of a time before `now`; undefined if it is none. */
function parseTime(text: string, now: number): number | undefined {
  if (text === 'now') return now;
  const ago = /^-(\d{1,9})([smhdw])$/.exec(text);
  if (!ago) return parseTimestamp(text);
  const time = now - Number(ago[1]) * (unitMs[ago[2] ?? ''] ?? NaN);
  return time >= 0 && time < LATEST_MS ? time : undefined;
}

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of a length of time such as `30s`, `5m` or `1d`; undefined if it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const ms = Number(count) * (unitMs[unit] ?? NaN);
  return ms > 0 ? ms : undefined;
}
