import { dnsTable } from '@sonde/backbone/store/schema';
import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyInstance } from 'fastify';
import { recordsRoute } from './records.js';

/** `GET /api/v1/dns`: DNS look-ups. */
export function dnsRoute(server: FastifyInstance, store: FlowStore): void {
  recordsRoute(server, store, {
    path: '/api/v1/dns',
    table: dnsTable,
    plural: 'lookups',
    description: 'DNS look-ups: each one query with its response, as one node saw it',
  });
}
