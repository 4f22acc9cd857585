const MICROS: Readonly<Record<string, bigint>> = {
  ...{ us: 1n, ms: 1000n, s: 1_000_000n, m: 60_000_000n, h: 3_600_000_000n, d: 86_400_000_000n },
};

/** A duration as filters write it: `5ms`, `1h30m`. */
const DURATION = /^(?:\d{1,9}(?:us|ms|[smhd]))+$/;

/**
 * CEL has no literals of durations. The parser gets a name of the same length instead, so that positions stay the same:
 * the first digit becomes a letter from A to J.
 */
export function durationPlaceholder(token: string): string {
  return DURATION.test(token) ? String.fromCharCode(65 + Number(token[0])) + token.slice(1) : token;
}

/** The text of a duration that a name stands for; undefined for other names. */
export function durationText(name: string): string | undefined {
  const text = String(name.charCodeAt(0) - 65) + name.slice(1);
  return /^[A-J]/.test(name) && DURATION.test(text) ? text : undefined;
}

/** The microseconds of a duration such as `1h30m`. */
export function durationMicros(text: string): bigint {
  let micros = 0n;
  for (const [, count = '0', unit = ''] of text.matchAll(/(\d+)(us|ms|[smhd])/g))
    micros += BigInt(count) * (MICROS[unit] ?? 0n);
  return micros;
}
