const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Bytes in binary units with three digits: `1.21 MiB`. */
export function formatBytes(bytes: number): string {
  return scaled(bytes, 1024, BYTE_UNITS);
}

/** A count in thousands and millions with three digits: `12.3k`. */
export function formatCount(count: number): string {
  return count < 10_000
    ? String(Math.round(count))
    : scaled(count, 1000, ['', 'k', 'M', 'G', 'T']).replace(' ', '');
}

/** A duration given in microseconds: `75 µs`, `1.2 ms`, `3.4 s`; a dash where none was measured. */
export function formatMicros(micros: number | null | undefined): string {
  return micros === null || micros === undefined || micros === 0
    ? '–'
    : scaled(micros, 1000, ['µs', 'ms', 's']);
}

function scaled(value: number, step: number, units: readonly string[]): string {
  let index = 0;
  while (Math.abs(value) >= step && index < units.length - 1) {
    value /= step;
    index++;
  }
  const digits = value >= 100 || Number.isInteger(value) ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[index] ?? ''}`.trim();
}
