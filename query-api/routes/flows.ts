import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyInstance } from 'fastify';
import { fieldFilterSchema, parseFieldFilters } from '../flows/field-filter.js';
import { type FlowJson, flowJson, flowSchema } from '../flows/flow-json.js';
import { buildFlowsQuery, type FlowsOrder, flowsOrders } from '../flows/flows-query.js';
import { invalidParameters, problemSchema } from '../problem.js';
import { parseTimeRange, timeRangeSchema } from '../time-range.js';

/** What the schema below lets through: the field filters besides these are lists of texts. */
interface Parameters {
  readonly from?: string;
  readonly to: string;
  readonly limit: number;
  readonly order: FlowsOrder;
}

const schema = {
  summary: 'Flows of a time range, by their start',
  querystring: {
    type: 'object',
    additionalProperties: false,
    properties: {
      ...timeRangeSchema,
      limit: { type: 'integer', minimum: 1, maximum: 10_000, default: 100 },
      order: { type: 'string', enum: flowsOrders, default: 'newest', description: 'Which flows come first' },
      ...fieldFilterSchema,
    },
  },
  response: {
    200: {
      type: 'object',
      required: ['from', 'to', 'flows'],
      properties: {
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        flows: { type: 'array', items: flowSchema },
      },
    },
    '4xx': problemSchema,
    '5xx': problemSchema,
  },
} as const;

/** `GET /api/v1/flows`: the flows of a time range that have the given values in the given fields. */
export function flowsRoute(server: FastifyInstance, store: FlowStore): void {
  server.get<{ Querystring: Parameters }>('/api/v1/flows', { schema }, async (request) => {
    const { limit, order } = request.query;
    const range = parseTimeRange(request.query, Date.now());
    const { filters, errors } = parseFieldFilters({ ...request.query });
    if (!('from' in range)) throw invalidParameters([...range, ...errors]);
    if (errors.length > 0) throw invalidParameters(errors);

    const { sql, parameters } = buildFlowsQuery({ range, filters, limit, order });
    const rows = await store.query<FlowJson>(sql, parameters);
    return {
      from: new Date(range.from).toISOString(),
      to: new Date(range.to).toISOString(),
      flows: rows.map(flowJson),
    };
  });
}
