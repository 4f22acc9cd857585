import type { FlowStore } from '@sonde/backbone/store/store';
import type { FastifyInstance } from 'fastify';

/** `GET /readyz`: the store answers too; while it does not, 503. */
export function readyzRoute(server: FastifyInstance, store: FlowStore): void {
  server.get('/readyz', { schema, config: { access: 'public' } }, async () => {
    await store.query('SELECT 1');
    return { status: 'ready' };
  });
}

const schema = {
  summary: 'Whether the store answers too',
  response: {
    200: {
      type: 'object',
      description: 'It does',
      required: ['status'],
      properties: { status: { type: 'string', enum: ['ready'] } },
      examples: [{ status: 'ready' }],
    },
  },
};
