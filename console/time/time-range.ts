/** A time range as the API takes it: RFC 3339, `now`, or a duration before now such as `-15m`. */
export interface TimeRange {
  readonly from: string;
  readonly to: string;
}

export const DEFAULT_RANGE: TimeRange = { from: '-15m', to: 'now' };

/** Ranges to choose from, shortest first. */
export const quickRanges = [
  { label: 'Last 5 minutes', value: '-5m' },
  { label: 'Last 15 minutes', value: '-15m' },
  { label: 'Last hour', value: '-1h' },
  { label: 'Last 6 hours', value: '-6h' },
  { label: 'Last 24 hours', value: '-24h' },
  { label: 'Last 7 days', value: '-7d' },
  { label: 'Last 30 days', value: '-30d' },
] as const;

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds since 1970 of an end of a range; undefined if it is not a time. */
export function timeMs(text: string, nowMs: number): number | undefined {
  if (text === 'now') return nowMs;
  const [, count, unit = ''] = /^-(\d+)([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) return nowMs - Number(count) * (unitMs[unit] ?? NaN);
  // Date.parse takes much more than RFC 3339, for example "-5" as a year.
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Length of a range in milliseconds; undefined if it is not a range. */
export function lengthMs({ from, to }: TimeRange, nowMs: number): number | undefined {
  const [start, end] = [timeMs(from, nowMs), timeMs(to, nowMs)];
  return start === undefined || end === undefined || start >= end ? undefined : end - start;
}

/** The range of equal length right before or after another, as absolute times. */
export function shifted(range: TimeRange, direction: -1 | 1, nowMs: number): TimeRange {
  const length = lengthMs(range, nowMs) ?? 0;
  const from = (timeMs(range.from, nowMs) ?? nowMs) + direction * length;
  return { from: new Date(from).toISOString(), to: new Date(from + length).toISOString() };
}

/** A range in words: `Last 15 minutes`, or its two ends in a time zone. */
export function describeRange(range: TimeRange, zone: string): string {
  const quick = quickRanges.find(({ value }) => value === range.from);
  if (quick && range.to === 'now') return quick.label;
  return `${describeTime(range.from, zone)} – ${describeTime(range.to, zone)}`;
}

function describeTime(text: string, zone: string): string {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? text : formatTime(ms, zone, true);
}

/**
 * A time in a time zone, to the millisecond.
 * @param zone an IANA name, `UTC`, or `browser`.
 * @param withDate whether to write the date as well.
 */
export function formatTime(ms: number, zone: string, withDate: boolean): string {
  const format = new Intl.DateTimeFormat('en-CA', {
    hourCycle: 'h23',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    fractionalSecondDigits: 3,
    ...(withDate && { year: 'numeric', month: '2-digit', day: '2-digit' }),
    ...(zone !== 'browser' && { timeZone: zone }),
  });
  return format.format(ms).replace(', ', ' ');
}
