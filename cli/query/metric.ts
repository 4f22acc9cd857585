import { InvalidArgumentError } from 'commander';

/** A metric as `POST /api/v1/query` accepts it. */
export interface MetricRequest {
  readonly function: string;
  readonly field?: string;
  readonly quantile?: number;
}

/**
 * Parses a metric: `count`, `sum(bytes)`, `quantile(0.95, rtt_us)`. The server checks names of functions and fields.
 * @throws InvalidArgumentError if it is not of this form.
 */
export function readMetric(text: string): MetricRequest {
  const [, name = '', given = ''] = /^\s*([a-z]+)\s*(?:\(([^()]*)\))?\s*$/.exec(text) ?? [];
  const terms = given
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '');
  const [first, second] = terms;
  if (name === '' || terms.length > 2) {
    throw new InvalidArgumentError(
      'Write count, sum(bytes), rate(bytes), distinct(dst.ip) or quantile(0.95, rtt_us).',
    );
  }
  if (second === undefined) return { function: name, ...(first === undefined ? {} : { field: first }) };
  const quantile = Number(first);
  if (!(quantile >= 0 && quantile <= 1)) {
    throw new InvalidArgumentError('The first of two arguments is the quantile, from 0 to 1.');
  }
  return { function: name, field: second, quantile };
}
