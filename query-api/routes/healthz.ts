import type { FastifyInstance } from 'fastify';

/** `GET /healthz`: the process runs and answers. */
export function healthzRoute(server: FastifyInstance): void {
  server.get('/healthz', { config: { access: 'public' } }, () => ({ status: 'ok' }));
}
