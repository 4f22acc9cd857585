import { runTask } from '@sonde/query/context/query-context';
import { mapTask } from '@sonde/query/limits/cooperative-task';
import type { QueryLimits } from '@sonde/query/limits/query-limits';
import { readCursor, writeCursor } from '@sonde/query/records/cursor';
import { nextCursor } from '@sonde/query/records/pages';
import { type RecordJson, recordJson, recordSchema } from '@sonde/query/records/record-json';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
  type RecordKind,
  select,
  tableOf,
} from '@sonde/query/records/record-query';
import { buildRecordsQuery, type RecordsOrder, recordsOrders } from '@sonde/query/records/records-sql';
import { fieldsSchema, parseFields } from '@sonde/query/records/selected-fields';
import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import type { FastifyInstance } from 'fastify';

/** How the records of a kind are served. */
export interface RecordPages {
  readonly path: string;
  readonly kind: RecordKind;
  /** Property of the response that contains the records, for example `flows`. */
  readonly plural: string;
  readonly summary: string;
  /** What one record is. */
  readonly description: string;
}

interface Parameters extends RecordQueryParameters {
  readonly limit: number;
  readonly order: RecordsOrder;
  readonly fields: string;
  readonly cursor?: string;
}

/**
 * `GET path`: the records of a time range that match a filter, in pages. `next` of a page is the cursor of the following
 * one; paging returns each record once, even if records arrive meanwhile.
 */
export function recordPagesRoute(server: FastifyInstance, pages: RecordPages): void {
  const { path, kind, plural } = pages;
  const table = tableOf[kind];
  const schema = schemaOf(pages, server.queryLimits);
  server.get<{ Querystring: Parameters }>(path, { schema }, async (request) => {
    const { limit, order, cursor } = request.query;
    const fixed = [kind, request.query.filter, order, request.query.fields];
    const context = request.queryContext;
    const query = parseRecordQuery(kind, request.query, context.limits);
    const fields = parseFields(request.query.fields, table.fields);
    const after = cursor === undefined ? undefined : readCursor(cursor, table, fixed, context.limits);
    const range = after?.range ?? query.range;

    // One record more than the limit shows whether there is a next page.
    const names = fields.map(({ name }) => name);
    const page = { ...query, range, fields: names, limit: limit + 1, order, after };
    const { sql, parameters } = buildRecordsQuery(page, request.access);
    const rows = await select<RecordJson>(context, sql, parameters);
    const records = rows.slice(0, limit);
    const next = rows.length > limit ? nextCursor(records, table, range, after) : undefined;
    return {
      ...timeRangeJson(range),
      [plural]: await runTask(context, mapTask(records, recordJson(fields))),
      ...(next && { next: writeCursor(next, fixed) }),
    };
  });
}

function schemaOf({ kind, plural, summary, description }: RecordPages, limits: QueryLimits) {
  const { fields } = tableOf[kind];
  return {
    summary,
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
          description: 'Maximum number of records per page',
        },
        order: {
          type: 'string',
          enum: recordsOrders,
          default: 'newest',
          description: 'Whether the newest or the oldest records come first',
        },
        fields: fieldsSchema,
        cursor: {
          type: 'string',
          maxLength: 16_384,
          description: '`next` of the previous page; the time range stays that of the first page',
        },
      },
    },
    response: {
      200: {
        type: 'object',
        required: ['from', 'to', plural],
        properties: {
          ...timeRangeJsonSchema,
          [plural]: { type: 'array', items: recordSchema(fields, description) },
          next: { type: 'string', description: 'Cursor of the next page; absent on the last page' },
        },
      },
    },
  } as const;
}
