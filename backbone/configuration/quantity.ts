const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

const BYTES_PER_UNIT = {
  ...{ '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12 },
  ...{ Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
} as const;

const DURATION_PART = /(\d+(?:\.\d+)?)(ms|[smhdw])/gy;
const SIZE = /^(\d+(?:\.\d+)?)(|[KMGT]i|[kMGT])$/;

/**
 * Parses a duration such as `500ms`, `30s`, `1h30m` or `30d` (Go's format with Prometheus' `d` and `w`; `0` needs no unit).
 * @returns milliseconds, or undefined if the text is not a duration.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let ms = 0;
  let end = 0;
  for (const [part, value, unit] of text.matchAll(DURATION_PART)) {
    ms += Number(value) * MS_PER_UNIT[unit as keyof typeof MS_PER_UNIT];
    end += part.length;
  }
  return end > 0 && end === text.length ? ms : undefined;
}

/**
 * Parses a size in bytes such as `512Mi`, `1Gi` or `1500k` (a Kubernetes quantity).
 * @returns whole bytes, or undefined if the text is not a size.
 */
export function parseSize(text: string): number | undefined {
  const [, value, unit] = SIZE.exec(text) ?? [];
  if (value === undefined) return undefined;
  return Math.round(Number(value) * BYTES_PER_UNIT[unit as keyof typeof BYTES_PER_UNIT]);
}
