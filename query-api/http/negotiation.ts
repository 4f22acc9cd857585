import { Problem } from './problem.js';

/**
 * Chooses a media type by an `Accept` header (RFC 9110 §12.5.1).
 * @param offered media types by format, the default first.
 * @throws Problem SONDE_NOT_ACCEPTABLE if the header accepts none of them.
 */
export function acceptedFormat<Format extends string>(
  accept: string | undefined,
  offered: Readonly<Record<Format, string>>,
): Format {
  const formats = Object.keys(offered) as Format[];
  const ranges = (accept ?? '*/*').split(',').map(rangeOf);
  let best: { format: Format; quality: number } | undefined;
  for (const format of formats) {
    const type = offered[format].split(';')[0] ?? '';
    const quality = qualityOf(type, ranges);
    if (quality > (best?.quality ?? 0)) best = { format, quality };
  }
  if (best) return best.format;
  throw new Problem(
    'SONDE_NOT_ACCEPTABLE',
    `none of the accepted media types is available; accept one of ${Object.values(offered).join(', ')}`,
  );
}

interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

function rangeOf(text: string): MediaRange {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const quality = parameters.find((one) => one.startsWith('q='))?.slice(2);
  return { type, quality: quality === undefined ? 1 : Number(quality) || 0 };
}

/** The quality that the most specific range gives a type; 0 if none matches. */
function qualityOf(type: string, ranges: readonly MediaRange[]): number {
  for (const range of [type, `${type.split('/')[0] ?? ''}/*`, '*/*']) {
    const matching = ranges.find((one) => one.type === range);
    if (matching) return matching.quality;
  }
  return 0;
}
