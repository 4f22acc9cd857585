import { metricFunctions } from '@sonde/query/aggregation/metrics';
import { measureNames } from '@sonde/query/aggregation/measures';
import { filterTypes } from '@sonde/model/filter/filter-types';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { FastifyInstance } from 'fastify';
import { type RecordKind, recordKinds, tableOf } from '@sonde/query/records/record-query';

interface Parameters {
  readonly table: RecordKind;
}

/** `GET /api/v1/fields`: the fields of records for filters, metrics and groups. */
export function fieldsRoute(server: FastifyInstance): void {
  server.get<{ Querystring: Parameters }>(
    '/api/v1/fields',
    { schema: SCHEMA, config: { access: 'authenticated', cacheable: true } },
    (request) => {
      const { fields } = tableOf[request.query.table];
      return { fields: fields.map(describe), measures: measureNames(fields), functions: metricFunctions };
    },
  );
}

/** A field in the API's form. */
function describe({ name, type, unit, values, form, origin, description }: FieldDeclaration) {
  return {
    name,
    variable: name.replace(/^(src|dst)_/, '$1.'),
    type: filterTypes[type],
    origin,
    description,
    ...(unit !== undefined && { unit }),
    ...(values && { values }),
    ...(form && { form }),
  };
}

const SCHEMA = {
  summary: 'List the fields of records',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      table: { type: 'string', enum: recordKinds, default: 'flows', description: 'Kind of records' },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['fields', 'measures', 'functions'],
      properties: {
        fields: {
          type: 'array',
          items: {
            type: 'object',
            required: ['name', 'variable', 'type', 'origin', 'description'],
            properties: {
              name: { type: 'string', description: 'Name in records' },
              variable: { type: 'string', description: 'Name in filters' },
              type: { type: 'string', enum: ['time', 'address', 'string', 'boolean', 'number'] },
              unit: { type: 'string', description: 'Unit of numbers' },
              values: {
                type: 'array',
                items: { type: 'string' },
                description: 'All possible values, of enumerations',
              },
              form: {
                type: 'string',
                enum: ['list', 'labels'],
                description: 'Structure of a string: a comma-separated list, or labels',
              },
              origin: {
                type: 'string',
                enum: ['observed', 'context', 'provenance'],
                description: 'Observed by the probe, added by the enricher, or where the record comes from',
              },
              description: { type: 'string', description: 'What the field contains' },
            },
          },
        },
        measures: {
          type: 'array',
          items: { type: 'string' },
          description: 'Fields and sums that metrics accept',
        },
        functions: { type: 'array', items: { type: 'string' }, description: 'Functions of metrics' },
      },
    },
  },
} as const;
