import { metricFunctions } from '@sonde/query/aggregation/metrics';
import { measureNames } from '@sonde/query/aggregation/measures';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { FastifyInstance } from 'fastify';
import { problemSchema } from '../http/problem.js';
import { type RecordKind, recordKinds, tableOf } from '@sonde/query/records/record-query';

interface Parameters {
  readonly table: RecordKind;
}

/** `GET /api/v1/fields`: what filters, metrics and groups can ask of records. */
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

/** A field as the API tells of it. */
function describe({ name, type, unit, values, form, origin, description }: FieldDeclaration) {
  return {
    name,
    variable: name.replace(/^(src|dst)_/, '$1.'),
    type: TYPES[type],
    origin,
    description,
    ...(unit !== undefined && { unit }),
    ...(values && { values }),
    ...(form && { form }),
  };
}

/** A field's type in the words of the filter language. */
const TYPES: Readonly<Record<FieldDeclaration['type'], string>> = {
  time: 'time',
  ip: 'address',
  text: 'text',
  enumeration: 'text',
  boolean: 'boolean',
  uint8: 'number',
  uint16: 'number',
  uint32: 'number',
  uint64: 'number',
};

const SCHEMA = {
  summary: 'The fields of records',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      table: { type: 'string', enum: recordKinds, default: 'flows', description: 'Of which records' },
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
              name: { type: 'string' },
              variable: { type: 'string', description: 'The name that filters are usually written with' },
              type: { type: 'string', enum: ['time', 'address', 'text', 'boolean', 'number'] },
              unit: { type: 'string' },
              values: { type: 'array', items: { type: 'string' }, description: 'All values that there are' },
              form: { type: 'string', enum: ['list', 'labels'], description: 'What a text is made of' },
              origin: { type: 'string', enum: ['observed', 'context', 'provenance'] },
              description: { type: 'string' },
            },
          },
        },
        measures: { type: 'array', items: { type: 'string' }, description: 'What metrics can be taken of' },
        functions: { type: 'array', items: { type: 'string' }, description: 'The functions of metrics' },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;
