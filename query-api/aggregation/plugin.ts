import { type QueryContext, runTask } from '@sonde/query/context/query-context';
import { timeRangeJson, timeRangeJsonSchema } from '@sonde/query/time-range';
import type { QueryLimits } from '@sonde/query/limits/query-limits';
import { ARROW_MEDIA_TYPE, CSV_MEDIA_TYPE } from '../http/media-types.js';
import type { FastifyPluginCallback, FastifyReply } from 'fastify';
import { type AggregationRequest, readAggregation } from '@sonde/query/aggregation/aggregation';
import { aggregationSql } from '@sonde/query/aggregation/aggregation-sql';
import { csvTask } from '@sonde/query/aggregation/csv';
import { frameTask } from '@sonde/query/aggregation/frame';
import { metricSchema } from '@sonde/query/aggregation/metrics';
import type { Value } from '@sonde/query/aggregation/column';
import { type Table, tableTask } from '@sonde/query/aggregation/table';
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

/** `POST /api/v1/query`: metrics of groups of records, optionally as time series. */
export const aggregationPlugin: FastifyPluginCallback = (server, _options, done) => {
  server.post<{ Body: Body }>(
    '/api/v1/query',
    { schema: schemaOf(server.queryLimits) },
    async (request, reply) => {
      const { body, queryContext: context } = request;
      const query = parseAggregateQuery(body.table, body, context.limits);
      const aggregation = readAggregation(body, query, context.limits);
      const { sql, parameters } = aggregationSql(query, aggregation, request.access);
      const rows = await selectAggregates<Record<string, Value>>(context, query, sql, parameters);
      const table = await runTask(context, tableTask(rows, aggregation, query.range));
      request.rowCount = table.rows.length;
      if (body.format !== 'json') return await sendTable(context, reply, table, body);
      return { ...timeRangeJson(query.range), ...table };
    },
  );
  done();
};

async function sendTable(
  context: QueryContext,
  reply: FastifyReply,
  table: Table,
  { format, refId }: Pick<Body, 'format' | 'refId'>,
) {
  return format === 'csv'
    ? reply.type(CSV_MEDIA_TYPE).send(await runTask(context, csvTask(table)))
    : reply.type(ARROW_MEDIA_TYPE).send(Buffer.from(await runTask(context, frameTask(table, refId))));
}

function schemaOf(limits: QueryLimits) {
  return {
    summary: 'Aggregate records by groups and time',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['metrics'],
      properties: {
        ...recordQuerySchema,
        table: { type: 'string', enum: recordKinds, default: 'flows', description: 'Kind of records' },
        metrics: {
          type: 'array',
          minItems: 1,
          maxItems: 20,
          items: metricSchema,
          description: 'The metrics of each group',
        },
        groupBy: {
          type: 'array',
          maxItems: 10,
          items: { type: 'string', maxLength: 350 },
          default: [],
          description:
            'Fields such as `src.namespace`, labels such as `src.labels["app"]`, and the display names `src.end` and `dst.end` of flows',
        },
        interval: {
          type: 'string',
          maxLength: 20,
          description:
            'Length of the time buckets, for example 30s, 5m, 1h or 1d; without it, one value for the whole range',
        },
        order: {
          type: 'object',
          additionalProperties: false,
          properties: {
            by: {
              type: 'string',
              maxLength: 350,
              description: 'Name of a metric or group; the first metric by default',
            },
            direction: { type: 'string', enum: ['descending', 'ascending'], default: 'descending' },
          },
          description: 'Order of the groups; by default descending by the first metric',
        },
        limit: {
          type: 'integer',
          minimum: 1,
          maximum: limits.rows,
          default: 100,
          description: 'Maximum number of groups',
        },
        records: {
          type: 'string',
          enum: ['primary', 'all'],
          default: 'primary',
          description: '`primary` counts connections that two nodes report once; `all` counts every record',
        },
        format: {
          type: 'string',
          enum: ['json', 'csv', 'arrow'],
          default: 'json',
          description: 'Format of the response',
        },
        refId: {
          type: 'string',
          maxLength: 100,
          default: '',
          description: '`refId` of the Grafana data frame, for `arrow`',
        },
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
        description: 'The metrics by group and time',
        content: {
          'application/json': { schema: tableSchema },
          'text/csv': { schema: { type: 'string' } },
          [ARROW_MEDIA_TYPE]: { schema: { type: 'string', format: 'binary' } },
        },
      },
    },
  } as const;
}

const tableSchema = {
  type: 'object',
  required: ['from', 'to', 'columns', 'rows', 'truncated'],
  properties: {
    ...timeRangeJsonSchema,
    columns: {
      type: 'array',
      items: {
        type: 'object',
        required: ['name', 'type', 'role'],
        properties: {
          name: { type: 'string' },
          type: { type: 'string', enum: ['time', 'string', 'boolean', 'number'] },
          role: { type: 'string', enum: ['time', 'group', 'metric'] },
          unit: { type: 'string', description: 'Unit of the values, for example `bytes/s`' },
        },
      },
    },
    rows: {
      type: 'array',
      items: { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] } },
      description: 'One value per column; null if nothing was measured, a string of digits from 2^53 on',
    },
    truncated: { type: 'boolean', description: 'Whether there are more groups than `limit`' },
  },
} as const;
