import type { FastifyInstance } from 'fastify';
import type { RouteDependencies } from '../context/query-dependencies.js';
import { recordsRoute } from './records.js';

/** `GET /api/v1/dns`: DNS lookups. */
export function dnsRoute(server: FastifyInstance, dependencies: RouteDependencies): void {
  recordsRoute(server, dependencies, {
    path: '/api/v1/dns',
    kind: 'dns',
    plural: 'lookups',
    description: 'DNS lookups: each one query with its response, as one node saw it',
  });
}
