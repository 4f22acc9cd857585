import { FilterError } from '@sonde/model/filter/errors';
import { type Key, parseKey } from '@sonde/model/filter/key';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { FastifyInstance } from 'fastify';
import { QueryError } from '@sonde/query/errors';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseAggregateQuery,
  type RecordKind,
  recordKinds,
  selectAggregates,
  tableOf,
} from '@sonde/query/records/record-query';
import { valueJson } from '@sonde/query/records/record-json';
import { valuesSql } from '@sonde/query/records/values-sql';

interface Parameters extends RecordQueryParameters {
  readonly table: RecordKind;
  readonly containing: string;
  readonly limit: number;
}

/** `GET /api/v1/fields/{field}/values`: the values of a field, for completion. */
export function fieldValuesRoute(server: FastifyInstance): void {
  server.get<{ Params: { field: string }; Querystring: Parameters }>(
    '/api/v1/fields/:field/values',
    { schema: SCHEMA },
    async (request) => {
      const { table, containing, limit } = request.query;
      const key = readKey(request.params.field, tableOf[table].fields);
      const query = parseAggregateQuery(table, request.query, request.queryContext.limits);
      const { sql, parameters } = valuesSql(query, key, { containing, limit }, request.access);
      const rows = await selectAggregates<{ value: string | number | boolean }>(
        request.queryContext,
        query,
        sql,
        parameters,
      );
      const values = rows.slice(0, limit).map(({ value }) => {
        const isFieldValue = key.kind === 'field' && key.field.form === undefined;
        return isFieldValue ? valueJson(key.field, value) : value;
      });
      return { values, truncated: rows.length > limit };
    },
  );
}

/** @throws QueryError SONDE_NOT_FOUND if there is no such field. */
function readKey(text: string, fields: readonly FieldDeclaration[]): Key {
  try {
    return parseKey(text, fields);
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const { message, nearest } = error;
    throw new QueryError('SONDE_NOT_FOUND', message, [{ parameter: 'field', reason: message, nearest }]);
  }
}

const SCHEMA = {
  summary: 'List the distinct values of a field or label in a time range',
  params: {
    type: 'object',
    required: ['field'],
    properties: {
      field: {
        type: 'string',
        // A label name is a prefix of up to 253 characters, a slash, and up to 63 more.
        maxLength: 350,
        description:
          'A field such as `src.namespace`, or a label such as `src.labels.app` or `src.labels["app"]`',
        examples: ['src.namespace'],
      },
    },
  },
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...recordQuerySchema,
      table: { type: 'string', enum: recordKinds, default: 'flows', description: 'Kind of records' },
      containing: {
        type: 'string',
        maxLength: 200,
        default: '',
        description: 'Returns only values that contain this string (case-insensitive)',
      },
      limit: {
        type: 'integer',
        minimum: 1,
        maximum: 1000,
        default: 100,
        description: 'Maximum number of values',
      },
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['values', 'truncated'],
      properties: {
        values: {
          type: 'array',
          items: { type: ['string', 'number', 'boolean'] },
          description: 'The values in order; of lists and labels, their items',
        },
        truncated: { type: 'boolean', description: 'Whether there are more values than `limit`' },
      },
    },
  },
} as const;
