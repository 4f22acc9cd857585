import type { FastifyInstance } from 'fastify';

/** `GET /healthz`: the process runs and answers. */
export function healthzRoute(server: FastifyInstance): void {
  server.get('/healthz', { schema, config: { access: 'public' } }, () => ({ status: 'ok' }));
}

const schema = {
  summary: 'Whether the process runs',
  response: {
    200: {
      type: 'object',
      description: 'It does',
      required: ['status'],
      properties: { status: { type: 'string', enum: ['ok'] } },
      examples: [{ status: 'ok' }],
    },
  },
};
