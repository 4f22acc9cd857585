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

/** A metric as requests have it. */
export interface MetricRequest {
  readonly function: MetricFunction;
  readonly field?: string;
  readonly quantile?: number;
  readonly weight?: string;
  readonly name?: string;
}

/** The JSON schema of a {@link MetricRequest}. */
export const metricSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['function'],
  properties: {
    function: {
      type: 'string',
      enum: metricFunctions,
      description:
        '`count` counts records, `rate` is the sum per second, `distinct` counts distinct values (estimated above a few ' +
        'thousand), `quantile` is estimated. Durations that were not measured are ignored',
    },
    field: {
      type: 'string',
      maxLength: 100,
      description:
        'A field, for example `src_port` or `src.port`, or `bytes` or `packets` of both directions; required except for `count`',
    },
    quantile: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      description: 'The quantile, for example 0.95; required for `quantile` only',
    },
    weight: {
      type: 'string',
      maxLength: 100,
      description: 'For `mean`: the field to weight records by',
    },
    name: {
      type: 'string',
      pattern: '^[A-Za-z_][A-Za-z0-9_]{0,62}$',
      description: 'Column name in the result',
    },
  },
} as const;

/** A valid metric. */
export interface Metric {
  readonly name: string;
  readonly function: MetricFunction;
  readonly measure: Measure | undefined;
  readonly weight: Measure | undefined;
  readonly quantile: number;
}

/** Parses a metric; returns what is wrong if it is invalid. */
export function readMetric(
  request: MetricRequest,
  fields: readonly FieldDeclaration[],
  parameter: string,
): Metric | ParameterError {
  const { field, weight, quantile } = request;
  const invalid = (reason: string): ParameterError => ({ parameter, reason });
  if (request.function === 'count' && field !== undefined)
    return invalid('`count` counts records: omit `field`');
  if (request.function !== 'count' && field === undefined)
    return invalid(`\`${request.function}\` requires \`field\``);
  if ((request.function === 'quantile') !== (quantile !== undefined)) {
    return invalid('`quantile` (0 to 1) is required for the function `quantile`, and for no other');
  }
  if (weight !== undefined && request.function !== 'mean') return invalid('`weight` is for `mean` only');
  const measure = field === undefined ? undefined : readMeasure(field, fields, `${parameter}/field`);
  const weightMeasure = weight === undefined ? undefined : readMeasure(weight, fields, `${parameter}/weight`);
  if (measure && 'parameter' in measure) return measure;
  if (weightMeasure && 'parameter' in weightMeasure) return weightMeasure;
  if (weightMeasure && weightMeasure.type !== 'number')
    return invalid(`\`weight\` must be a number: ${weightMeasure.name} is not`);
  if (measure && !takes(request.function, measure)) {
    return invalid(`\`${request.function}\` requires a number: ${measure.name} is not`);
  }
  const name =
    request.name ?? [request.function, measure?.name, quantileText(quantile)].filter(Boolean).join('_');
  return { name, function: request.function, measure, weight: weightMeasure, quantile: quantile ?? 0 };
}

function quantileText(quantile: number | undefined): string | undefined {
  return quantile === undefined ? undefined : String(quantile).replace('.', '_');
}

function takes(name: MetricFunction, { type }: Measure): boolean {
  if (name === 'distinct') return true;
  if (name === 'min' || name === 'max') return type !== 'other';
  return type === 'number';
}

/** The aggregate function of a metric. */
export interface MetricAggregate extends AggregateFunction {
  /** Whether its state has a constant size, however many records there are. */
  readonly isConstantSize: boolean;
}

/** The aggregate function of a metric; of a rate, the sum. NULL if nothing was measured. */
export function metricFunction(metric: Metric, parameters: SqlParameters): MetricAggregate {
  const value = metric.measure?.sql ?? '';
  const constantSize = (name: string, args: string) => ({
    name,
    parameters: '',
    arguments: args,
    isConstantSize: true,
  });
  switch (metric.function) {
    case 'count':
      return constantSize('count', '');
    case 'sum':
    case 'rate':
      return constantSize('sum', value);
    case 'min':
    case 'max':
      // Without OrNull the result of no records would be 0, or 1970.
      return constantSize(`${metric.function}OrNull`, value);
    case 'mean':
      return metric.weight
        ? constantSize('avgWeighted', `${value}, ${metric.weight.sql}`)
        : constantSize('avg', value);
    case 'distinct':
      return { ...constantSize('uniqCombined', value), isConstantSize: false };
    case 'quantile': {
      const quantile = `(${parameters.add(metric.quantile, 'Float64')})`;
      return { name: 'quantileTDigest', parameters: quantile, arguments: value, isConstantSize: false };
    }
  }
}
