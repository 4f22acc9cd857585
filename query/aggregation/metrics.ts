import type { FieldDeclaration } from '@sonde/model/record/field';
import type { ParameterError } from '../errors.js';
import type { AggregateFunction } from '../sql/aggregate-function.js';
import type { SqlParameters } from '../sql/parameters.js';
import { type Measure, readMeasure } from './measures.js';

export const metricFunctions = [
  'count',
  'sum',
  'rate',
  'mean',
  'min',
  'max',
  'quantile',
  'distinct',
] as const;
export type MetricFunction = (typeof metricFunctions)[number];

/** A metric as a request asks for it. */
export interface MetricRequest {
  readonly function: MetricFunction;
  readonly field?: string;
  readonly quantile?: number;
  readonly weight?: string;
  readonly name?: string;
}

/** A metric as a JSON schema. */
export const metricSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['function'],
  properties: {
    function: {
      type: 'string',
      enum: metricFunctions,
      description:
        '`count` of records, `rate` is the sum a second, `distinct` counts different values (estimated from some ' +
        'thousands on), `quantile` is estimated; durations that were not measured are left out',
    },
    field: {
      type: 'string',
      maxLength: 100,
      description:
        'A field, as src_port or src.port, or `bytes` or `packets` for both directions; all but `count` need it',
    },
    quantile: { type: 'number', minimum: 0, maximum: 1, description: 'Which quantile, for example 0.95' },
    weight: {
      type: 'string',
      maxLength: 100,
      description: 'Of a `mean`, the field that says how much a record counts',
    },
    name: { type: 'string', pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$', description: 'Its name in the answer' },
  },
} as const;

/** A metric that can be asked for. */
export interface Metric {
  readonly name: string;
  readonly function: MetricFunction;
  readonly measure: Measure | undefined;
  readonly weight: Measure | undefined;
  readonly quantile: number;
}

/** A metric, or what is wrong with it. */
export function readMetric(
  request: MetricRequest,
  fields: readonly FieldDeclaration[],
  parameter: string,
): Metric | ParameterError {
  const { field, weight, quantile } = request;
  const wrong = (reason: string): ParameterError => ({ parameter, reason });
  if (request.function === 'count' && field !== undefined)
    return wrong('`count` counts records, not a field');
  if (request.function !== 'count' && field === undefined)
    return wrong(`\`${request.function}\` needs a field`);
  if ((request.function === 'quantile') !== (quantile !== undefined)) {
    return wrong('`quantile` needs to know which, from 0 to 1, and nothing else does');
  }
  if (weight !== undefined && request.function !== 'mean') return wrong('only a `mean` has a weight');
  const measure = field === undefined ? undefined : readMeasure(field, fields, `${parameter}/field`);
  const weighing = weight === undefined ? undefined : readMeasure(weight, fields, `${parameter}/weight`);
  if (measure && 'parameter' in measure) return measure;
  if (weighing && 'parameter' in weighing) return weighing;
  if (weighing && weighing.type !== 'number') return wrong(`${weighing.name} is no number to weigh by`);
  if (measure && !takes(request.function, measure)) {
    return wrong(`\`${request.function}\` is for numbers, which ${measure.name} is not`);
  }
  const name =
    request.name ?? [request.function, measure?.name, quantileText(quantile)].filter(Boolean).join('_');
  return { name, function: request.function, measure, weight: weighing, quantile: quantile ?? 0 };
}

function quantileText(quantile: number | undefined): string | undefined {
  return quantile === undefined ? undefined : String(quantile).replace('.', '_');
}

function takes(name: MetricFunction, { type }: Measure): boolean {
  if (name === 'distinct') return true;
  if (name === 'min' || name === 'max') return type !== 'other';
  return type === 'number';
}

/** How a metric is worked out. */
export interface MetricAggregate extends AggregateFunction {
  /** What it keeps of a group is some numbers, however many records there are. */
  readonly isSmall: boolean;
}

/** How the engine works a metric out; a rate is still the sum. NULL where nothing was measured. */
export function metricFunction(metric: Metric, parameters: SqlParameters): MetricAggregate {
  const value = metric.measure?.sql ?? '';
  const small = (name: string, args: string) => ({ name, parameters: '', arguments: args, isSmall: true });
  switch (metric.function) {
    case 'count':
      return small('count', '');
    case 'sum':
    case 'rate':
      return small('sum', value);
    case 'min':
    case 'max':
      // Without OrNull that of no records would be 0, or 1970.
      return small(`${metric.function}OrNull`, value);
    case 'mean':
      return metric.weight ? small('avgWeighted', `${value}, ${metric.weight.sql}`) : small('avg', value);
    case 'distinct':
      return { ...small('uniqCombined', value), isSmall: false };
    case 'quantile': {
      const quantile = `(${parameters.add(metric.quantile, 'Float64')})`;
      return { name: 'quantileTDigest', parameters: quantile, arguments: value, isSmall: false };
    }
  }
}
