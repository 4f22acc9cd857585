import type { FastifyInstance } from 'fastify';
import type { Registry } from 'prom-client';

/** `GET /metrics`: the metrics of the process, for Prometheus. */
export function metricsRoute(server: FastifyInstance, registry: Registry): void {
  const access = { unrestricted: 'admin' } as const;
  server.get('/metrics', { schema, config: { access } }, async (_request, reply) => {
    return reply.type(registry.contentType).send(await registry.metrics());
  });
}

const schema = {
  summary: 'Returns metrics in the Prometheus text format',
  produces: ['text/plain'],
  response: {
    200: {
      description: 'Metrics in the Prometheus text format',
      content: { 'text/plain': { schema: { type: 'string', examples: ['process_cpu_seconds_total 12\n'] } } },
    },
  },
};
