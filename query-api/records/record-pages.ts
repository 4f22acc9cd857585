import { runTask } from '@sonde/query/context/query-context';
import { mapTask } from '@sonde/query/limits/cooperative-task';
import type { QueryLimits } from '@sonde/query/limits/query-limits';
import { readCursor, writeCursor } from '@sonde/query/records/cursor';
import { readRecordPage } from '@sonde/query/records/pages';
import { recordJson, recordSchema } from '@sonde/query/records/record-json';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseRecordQuery,
  type RecordKind,
  tableOf,
} from '@sonde/query/records/record-query';
import { type RecordsOrder, recordsOrders } from '@sonde/query/records/records-sql';
import { fieldsSchema, parseFields } from '@sonde/query/records/selected-fields';
import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import type { FastifyInstance } from 'fastify';
import { ARROW_MEDIA_TYPE } from '../http/media-types.js';
import { acceptedFormat } from '../http/negotiation.js';
import { exportFormats, sendExport } from './export.js';

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
  readonly limit?: number;
  readonly order: RecordsOrder;
  readonly fields: string;
  readonly cursor?: string;
  readonly format?: Format;
}

const DEFAULT_LIMIT = 100;

/** Formats with their media types, the default first. */
const formats = { json: 'application/json', ...exportFormats } as const;
type Format = keyof typeof formats;

/**
 * `GET path`: the records of a time range that match a filter: as JSON in pages, where `next` is the cursor of the
 * following page, or all of them as a stream of CSV or Arrow.
 */
export function recordPagesRoute(server: FastifyInstance, pages: RecordPages): void {
  const { path, kind, plural } = pages;
  const table = tableOf[kind];
  const schema = schemaOf(pages, server.queryLimits);
  server.get<{ Querystring: Parameters }>(path, { schema }, async (request, reply) => {
    const { limit, order, cursor, filter } = request.query;
    const fixed = [kind, filter, order, request.query.fields];
    const context = request.queryContext;
    const query = parseRecordQuery(kind, request.query, context.limits);
    const fields = parseFields(request.query.fields, table.fields);
    const after = cursor === undefined ? undefined : readCursor(cursor, table, fixed, context.limits);
    const listing = { query, fields, order, after };
    const format = request.query.format ?? acceptedFormat(request.headers.accept, formats);
    if (format !== 'json') return await sendExport(request, reply, { ...listing, format, limit });
    const { range, rows, next } = await readRecordPage(context, listing, limit ?? DEFAULT_LIMIT);
    return {
      ...timeRangeJson(range),
      [plural]: await runTask(context, mapTask(rows, recordJson(fields))),
      ...(next && { next: writeCursor(next, fixed) }),
    };
  });
}

function schemaOf({ kind, plural, summary, description }: RecordPages, limits: QueryLimits) {
  const pageSchema = {
    type: 'object',
    required: ['from', 'to', plural],
    properties: {
      ...timeRangeJsonSchema,
      [plural]: { type: 'array', items: recordSchema(tableOf[kind].fields, description) },
      next: { type: 'string', description: 'Cursor of the next page; absent on the last page' },
    },
  } as const;
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
          description: `Maximum number of records: of a page, ${DEFAULT_LIMIT} by default; of CSV and Arrow, all by default`,
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
        format: {
          type: 'string',
          enum: Object.keys(formats),
          description:
            'Format of the response; by default the one that the `accept` header prefers, else `json`',
        },
      },
    },
    response: {
      200: {
        description: 'A page of records, or all records as CSV or Arrow',
        content: {
          'application/json': { schema: pageSchema },
          'text/csv': { schema: { type: 'string' } },
          [ARROW_MEDIA_TYPE]: { schema: { type: 'string', format: 'binary' } },
        },
      },
    },
  } as const;
}
