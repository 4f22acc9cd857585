import { flowsTable } from '@sonde/backbone/store/schema';
import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyInstance } from 'fastify';
import { recordsRoute } from './records.js';

/** `GET /api/v1/flows`: flows. */
export function flowsRoute(server: FastifyInstance, store: FlowStore): void {
  recordsRoute(server, store, {
    path: '/api/v1/flows',
    table: flowsTable,
    plural: 'flows',
    description: 'Flows: each one connection on one node over one aggregation window',
  });
}
