import type { FastifyInstance } from 'fastify';

import { recordsRoute } from './records.js';

/** `GET /api/v1/flows`: flows. */
export function flowsRoute(server: FastifyInstance): void {
  recordsRoute(server, {
    path: '/api/v1/flows',
    kind: 'flows',
    plural: 'flows',
    description: 'Flows: each one connection on one node over one aggregation window',
  });
}
