import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyInstance } from 'fastify';

/** `GET /readyz`: the store answers too; while it does not, 503. */
export function readyzRoute(server: FastifyInstance, store: FlowStore): void {
  server.get('/readyz', { config: { access: 'public' } }, async () => {
    await store.query('SELECT 1');
    return { status: 'ready' };
  });
}
