import type { QueryLimits } from '@sonde/query/limits/query-limits';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { problemSchema } from '../http/problem.js';
import { type AggregationRequest, readAggregation } from '@sonde/query/aggregation/aggregation';
import { aggregationSql } from '@sonde/query/aggregation/aggregation-sql';
import { tableCsv } from '@sonde/query/aggregation/csv';
import { tableFrame } from '@sonde/query/aggregation/frame';
import { metricSchema } from '@sonde/query/aggregation/metrics';
import type { Value } from '@sonde/query/aggregation/column';
import { type Table, tableFrom } from '@sonde/query/aggregation/table';
import {
  type RecordQueryParameters,
  recordQuerySchema,
  parseAggregateQuery,
  type RecordKind,
  recordKinds,
  selectAggregates,
} from '@sonde/query/records/record-query';

interface Body extends RecordQueryParameters, AggregationRequest {
  readonly table: RecordKind;
  readonly format: 'json' | 'csv' | 'arrow';
  readonly refId: string;
}

/** `POST /api/v1/query`: metrics of groups of records, maybe in steps of time. */
export function queryRoute(server: FastifyInstance): void {
  server.post<{ Body: Body }>(
    '/api/v1/query',
    { schema: schemaOf(server.queryLimits) },
    async (request, reply) => {
      const { body } = request;
      const question = parseAggregateQuery(body.table, body, request.queryContext.limits);
      const aggregation = readAggregation(body, question, request.queryContext.limits);
      const { sql, parameters } = aggregationSql(question, aggregation, request.access);
      const rows = await selectAggregates<Record<string, Value>>(
        request.queryContext,
        question,
        sql,
        parameters,
      );
      const { from, to } = question.range;
      const table = tableFrom(rows, aggregation, question.range);
      if (body.format !== 'json') return sendTable(reply, table, body.format, body.refId);
      return { from: new Date(from).toISOString(), to: new Date(to).toISOString(), ...table };
    },
  );
}

function sendTable(reply: FastifyReply, table: Table, format: 'csv' | 'arrow', refId: string) {
  return format === 'csv'
    ? reply.type('text/csv; charset=utf-8; header=present').send(tableCsv(table))
    : reply.type(ARROW_STREAM).send(Buffer.from(tableFrame(table, refId)));
}

/** https://www.iana.org/assignments/media-types/application/vnd.apache.arrow.stream */
const ARROW_STREAM = 'application/vnd.apache.arrow.stream';

function schemaOf(limits: QueryLimits) {
  return {
    summary: 'Metrics of groups of records, for a time range or in steps of it',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['metrics'],
      properties: {
        ...recordQuerySchema,
        table: { type: 'string', enum: recordKinds, default: 'flows', description: 'Of which records' },
        metrics: { type: 'array', minItems: 1, maxItems: 20, items: metricSchema },
        groupBy: {
          type: 'array',
          maxItems: 10,
          items: { type: 'string', maxLength: 350 },
          default: [],
          description:
            'Fields, as src.namespace, labels, as src.labels["app"], and the ends of flows by the names that people know them by, as src.end',
        },
        interval: {
          type: 'string',
          maxLength: 20,
          description: 'Length of the steps, for example 30s, 5m, 1h or 1d',
        },
        order: {
          type: 'object',
          additionalProperties: false,
          properties: {
            by: {
              type: 'string',
              maxLength: 350,
              description: 'The name of a metric or of a group; the first metric if not given',
            },
            direction: { type: 'string', enum: ['descending', 'ascending'], default: 'descending' },
          },
          description: 'Which groups come first; by default those with the most of the first metric',
        },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: limits.rows,
          default: 100,
          description: 'The most groups',
        },
        records: {
          type: 'string',
          enum: ['primary', 'all'],
          default: 'primary',
          description: '`primary` counts once what the nodes of both ends report; `all` counts each report',
        },
        format: { type: 'string', enum: ['json', 'csv', 'arrow'], default: 'json' },
        refId: { type: 'string', maxLength: 100, default: '', description: "The Arrow frame's refId" },
      },
      examples: [
        {
          from: '-1h',
          metrics: [{ function: 'rate', field: 'bytes' }],
          groupBy: ['src.namespace', 'dst.namespace'],
          interval: '1m',
          filter: 'action == "allow"',
          limit: 10,
        },
      ],
    },
    response: {
      200: {
        description: 'The metrics',
        content: {
          'application/json': { schema: tableSchema },
          'text/csv': { schema: { type: 'string' } },
          [ARROW_STREAM]: { schema: { type: 'string', format: 'binary' } },
        },
      },
      '4xx': problemSchema,
      '5xx': problemSchema,
    },
  } as const;
}

const tableSchema = {
  type: 'object',
  required: ['from', 'to', 'columns', 'rows', 'truncated'],
  properties: {
    from: { type: 'string', format: 'date-time' },
    to: { type: 'string', format: 'date-time' },
    columns: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'type', 'role'],
        properties: {
          name: { type: 'string' },
          type: { type: 'string', enum: ['time', 'text', 'boolean', 'number'] },
          role: { type: 'string', enum: ['time', 'group', 'metric'] },
          unit: { type: 'string', description: 'What numbers count, for example `bytes/s`' },
        },
      },
    },
    rows: {
      type: 'array',
      items: { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } },
      description: 'A value for each column; null where nothing was measured, digits from 2^53 on',
    },
    truncated: { type: 'boolean', description: 'Whether there are more groups than asked for' },
  },
} as const;
