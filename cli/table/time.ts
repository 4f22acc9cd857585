/** How times are shown. */
export interface TimeFormat {
  /** In UTC instead of the zone of this machine. */
  readonly utc: boolean;
  readonly nowMs: number;
}

/** A time of the API as `12:00:00.000`, with its date before it if that is not today's. */
export function timeText(rfc3339: string, format: TimeFormat): string {
  const time = zoned(Date.parse(rfc3339), format);
  const today = zoned(format.nowMs, format).slice(0, 10);
  return time.startsWith(today) ? time.slice(11) : time;
}

/** The date of some times if it is the same for all of them, and not today: `2026-03-01`. */
export function commonDate(times: readonly string[], format: TimeFormat): string | undefined {
  const dates = new Set(times.map((time) => zoned(Date.parse(time), format).slice(0, 10)));
  const [date] = dates;
  return dates.size === 1 && date !== zoned(format.nowMs, format).slice(0, 10) ? date : undefined;
}

/** A time of the API as `2026-03-01 12:00:00.000`. */
export function dateTimeText(rfc3339: string, format: TimeFormat): string {
  return zoned(Date.parse(rfc3339), format);
}

/** The same without fractions of a second. */
export function secondsText(rfc3339: string, format: TimeFormat): string {
  return dateTimeText(rfc3339, format).replace(/\.\d+$/, '');
}

function zoned(ms: number, { utc }: TimeFormat): string {
  if (Number.isNaN(ms)) return '-';
  const offsetMs = utc ? 0 : new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offsetMs).toISOString().replace('T', ' ').replace('Z', '');
}
