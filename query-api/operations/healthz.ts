import type { FastifyInstance } from 'fastify';

/** `GET /healthz`: the process is running. */
export function healthzRoute(server: FastifyInstance): void {
  server.get('/healthz', { schema, config: { access: 'public' } }, () => ({ status: 'ok' }));
}

const schema = {
  summary: 'Checks that the process is running',
  response: {
    200: {
      type: 'object',
      description: 'The process is running',
      required: ['status'],
      properties: { status: { type: 'string', enum: ['ok'] } },
      examples: [{ status: 'ok' }],
    },
  },
};
