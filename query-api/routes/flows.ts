import type { FastifyInstance } from 'fastify';
import type { RouteDependencies } from '../context/query-dependencies.js';
import { recordsRoute } from './records.js';

/** `GET /api/v1/flows`: flows. */
export function flowsRoute(server: FastifyInstance, dependencies: RouteDependencies): void {
  recordsRoute(server, dependencies, {
    path: '/api/v1/flows',
    kind: 'flows',
    plural: 'flows',
    description: 'Flows: each one connection on one node over one aggregation window',
  });
}
