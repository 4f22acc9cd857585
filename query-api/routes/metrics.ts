import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';

/** `GET /metrics`: everything that the process counts, as Prometheus reads it. */
export function metricsRoute(server: FastifyInstance, registry: Registry): void {
  server.get('/metrics', { config: { access: { unrestricted: 'admin' } } }, async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}
