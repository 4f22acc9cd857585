import type { FastifyInstance } from 'fastify';

import { recordsRoute } from './records.js';

/** `GET /api/v1/dns`: DNS lookups. */
export function dnsRoute(server: FastifyInstance): void {
  recordsRoute(server, {
    path: '/api/v1/dns',
    kind: 'dns',
    plural: 'lookups',
    description: 'DNS lookups: each one query with its response, as one node saw it',
  });
}
