import type { RecordTable } from '@sonde/backbone/store/schema';
import type { FastifyInstance } from 'fastify';
import { invalidParameters, problemSchema } from '../problem.js';
import { fieldFilterSchema, parseFieldFilters } from '../records/field-filter.js';
import { type RecordJson, recordJson, recordSchema } from '../records/record-json.js';
import { buildRecordsQuery, type RecordsOrder, recordsOrders } from '../records/records-query.js';
import { SqlParameters } from '../sql/parameters.js';
import { type VisibleTable, visibleRecords } from '../access/visible.js';
import { checkRange } from '../limits/limits.js';
import { parseTimeRange, timeRangeSchema } from '../time-range.js';
import type { RouteDependencies } from './dependencies.js';

/** How the records of a table are offered. */
export interface RecordsRoute {
  readonly path: string;
  readonly table: RecordTable;
  /** What the records are called in the answer, for example `flows`. */
  readonly plural: string;
  /** One line for people: what a record is. */
  readonly description: string;
}

/** What the schema below lets through: the field filters besides these are lists of texts. */
interface Parameters {
  readonly from?: string;
  readonly to: string;
  readonly limit: number;
  readonly order: RecordsOrder;
}

/** `GET path`: the records of a time range that have the given values in the given fields. */
export function recordsRoute(
  server: FastifyInstance,
  { store, limits }: RouteDependencies,
  route: RecordsRoute,
): void {
  const { path, table, plural } = route;
  const toJson = recordJson(table.fields);
  server.get<{ Querystring: Parameters }>(path, { schema: schemaOf(route) }, async (request) => {
    const { limit, order } = request.query;
    const range = parseTimeRange(request.query, Date.now());
    const { filters, errors } = parseFieldFilters(table.fields, { ...request.query });
    if (!('from' in range)) throw invalidParameters([...range, ...errors]);
    if (errors.length > 0) throw invalidParameters(errors);
    checkRange(range, limits);

    const parameters = new SqlParameters();
    const from = visibleRecords(table.name as VisibleTable, request.access, parameters);
    const built = buildRecordsQuery(table.fields, from, { range, filters, limit, order });
    const rows = await store.query<RecordJson>(built.sql, { ...built.parameters, ...parameters.values });
    return {
      from: new Date(range.from).toISOString(),
      to: new Date(range.to).toISOString(),
      [plural]: rows.map(toJson),
    };
  });
}

function schemaOf({ table, plural, description }: RecordsRoute) {
  return {
    summary: `${description}, of a time range, by their start`,
    querystring: {
      type: 'object',
      additionalProperties: false,
      properties: {
        ...timeRangeSchema,
        limit: { type: 'integer', minimum: 1, maximum: 10_000, default: 100 },
        order: { type: 'string', enum: recordsOrders, default: 'newest', description: 'Which come first' },
        ...fieldFilterSchema(table.fields),
      },
    },
    response: {
      200: {
        type: 'object',
        required: ['from', 'to', plural],
        properties: {
          from: { type: 'string', format: 'date-time' },
          to: { type: 'string', format: 'date-time' },
          [plural]: { type: 'array', items: recordSchema(table.fields, description) },
        },
      },
      '4xx': problemSchema,
      '5xx': problemSchema,
    },
  } as const;
}
