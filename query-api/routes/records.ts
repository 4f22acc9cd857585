import type { QueryLimits } from '@sonde/query/limits/query-limits';
import type { FastifyInstance } from 'fastify';
import { problemSchema } from '../http/problem.js';
import { readCursor, writeCursor } from '@sonde/query/records/cursor';
import { nextCursor } from '@sonde/query/records/pages';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
  type RecordKind,
  select,
  tableOf,
} from '@sonde/query/records/record-query';
import { type RecordJson, recordJson, recordSchema } from '@sonde/query/records/record-json';
import { buildRecordsQuery, type RecordsOrder, recordsOrders } from '@sonde/query/records/records-sql';
import { fieldsSchema, readFields } from '@sonde/query/records/selected-fields';

/** How the records of a kind are offered. */
export interface RecordsRoute {
  readonly path: string;
  readonly kind: RecordKind;
  /** What the records are called in the answer, for example `flows`. */
  readonly plural: string;
  /** One line for people: what a record is. */
  readonly description: string;
}

interface Parameters extends RecordQueryParameters {
  readonly limit: number;
  readonly order: RecordsOrder;
  readonly fields: string;
  readonly cursor?: string;
}

/**
 * `GET path`: the records of a time range that pass a filter, in pages. A page's `next` is the cursor of the following
 * one; paging gives each record once, whatever is stored meanwhile.
 */
export function recordsRoute(server: FastifyInstance, route: RecordsRoute): void {
  const { path, kind, plural } = route;
  const table = tableOf[kind];
  server.get<{ Querystring: Parameters }>(
    path,
    { schema: schemaOf(route, server.queryLimits) },
    async (request) => {
      const { limit, order, cursor } = request.query;
      const asked = [kind, request.query.filter, order, request.query.fields];
      const question = parseRecordQuery(kind, request.query, request.queryContext.limits);
      const fields = readFields(request.query.fields, table.fields);
      const after =
        cursor === undefined ? undefined : readCursor(cursor, table, asked, request.queryContext.limits);
      const range = after?.range ?? question.range;

      // One more than asked for tells whether there is a next page.
      const names = fields.map(({ name }) => name);
      const query = { ...question, range, fields: names, limit: limit + 1, order, after };
      const { sql, parameters } = buildRecordsQuery(query, request.access);
      const rows = await select<RecordJson>(request.queryContext, sql, parameters);
      const page = rows.slice(0, limit);
      const next = rows.length > limit ? nextCursor(page, table, range, after) : undefined;
      return {
        from: new Date(range.from).toISOString(),
        to: new Date(range.to).toISOString(),
        [plural]: page.map(recordJson(fields)),
        ...(next && { next: writeCursor(next, asked) }),
      };
    },
  );
}

function schemaOf({ kind, plural, description }: RecordsRoute, limits: QueryLimits) {
  const { fields } = tableOf[kind];
  return {
    summary: `${description}, of a time range, by their start`,
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        ...recordQuerySchema,
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: limits.rows,
          default: 100,
          description: 'The most records of a page',
        },
        order: { type: 'string', enum: recordsOrders, default: 'newest', description: 'Which come first' },
        fields: fieldsSchema,
        cursor: {
          type: 'string',
          maxLength: 16_384,
          description: 'The `next` of the page before; the times are then those of the first page',
        },
      },
    },
    response: {
      200: {
        type: 'object',
        required: ['from', 'to', plural],
        properties: {
          from: { type: 'string', format: 'date-time' },
          to: { type: 'string', format: 'date-time' },
          [plural]: { type: 'array', items: recordSchema(fields, description) },
          next: { type: 'string', description: 'The cursor of the next page; absent on the last one' },
        },
      },
      '4xx': problemSchema,
      '5xx': problemSchema,
    },
  } as const;
}
