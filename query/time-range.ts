import { LATEST_MS, parseTimestamp } from '@sonde/model/filter/timestamp';
import type { ParameterError } from './errors.js';

/** A time range in milliseconds since 1970: `from` inclusive, `to` exclusive. */
export interface TimeRange {
  readonly from: number;
  readonly to: number;
  /** Excludes records beyond these offsets (by transport partition, per kind of records), which arrived later. */
  readonly storedOffsets?: Readonly<Record<'flows' | 'dns', ReadonlyMap<number, number>>>;
}

/** A time range as requests have it. */
export interface TimeRangeParameters {
  readonly from?: string | undefined;
  readonly to: string;
}

const DEFAULT_LENGTH_MS = 15 * 60_000;

/** The JSON schema of {@link TimeRangeParameters}' properties. */
export const timeRangeSchema = {
  from: {
    type: 'string',
    description:
      'Start of the time range, inclusive: an RFC 3339 time, or a time before now as a number with the unit s, m, h, d ' +
      'or w, for example `-2h`; 15 minutes before `to` by default',
    examples: ['-1h'],
  },
  to: {
    type: 'string',
    description: 'End of the time range, exclusive; in the same form as `from`, or `now`',
    default: 'now',
  },
} as const;

/** A time range as responses have it, in RFC 3339. */
export function timeRangeJson({ from, to }: TimeRange) {
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}

/** The JSON schema of {@link timeRangeJson}'s properties. */
export const timeRangeJsonSchema = {
  from: { type: 'string', format: 'date-time', description: 'Start of the time range, inclusive' },
  to: { type: 'string', format: 'date-time', description: 'End of the time range, exclusive' },
} as const;

/**
 * Parses a time range; without `from`, the 15 minutes before `to`.
 * @returns the range, or the errors of the parameters.
 */
export function parseTimeRange(
  parameters: TimeRangeParameters,
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

/** Parses an RFC 3339 time, `now`, or a time before `now` to milliseconds since 1970; undefined if it is invalid. */
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

/** Parses a duration such as `30s`, `5m` or `1d` to milliseconds; undefined if it is invalid. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,9})([smhdw])$/.exec(text) ?? [];
  const ms = Number(count) * (unitMs[unit] ?? NaN);
  return ms > 0 ? ms : undefined;
}
