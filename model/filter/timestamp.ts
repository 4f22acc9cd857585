/** The first time after the range of time fields: in 2106, the end of ClickHouse's DateTime. */
export const LATEST_MS = 2 ** 32 * 1000;

/**
 * Parses an RFC 3339 §5.6 time to milliseconds since 1970, without fractions of a millisecond. Undefined if it is not a
 * time, or not between 1970 and {@link LATEST_MS}.
 */
export function parseTimestamp(text: string): number | undefined {
  const match = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/.exec(text);
  if (!match) return undefined;
  const [, date = '', time = '', fraction = '', zone = ''] = match;
  const milliseconds = fraction.slice(0, 3).padEnd(3, '0');
  const local = Date.parse(`${date}T${time}.${milliseconds}Z`);
  // Date.parse reads 30 February as 2 March.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(`${date}T${time}`)) return undefined;
  const utc = local - zoneOffsetMs(zone);
  return utc >= 0 && utc < LATEST_MS ? utc : undefined;
}

function zoneOffsetMs(zone: string): number {
  if (zone.toUpperCase() === 'Z') return 0;
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  if (hours > 23 || minutes > 59) return NaN;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}
