import { invalidQuery } from '@sonde/query/errors';
import type { FastifyInstance } from 'fastify';

/**
 * Rejects query parameters that overflow to Infinity, such as `1e309`: Ajv coerces them after it has checked the type
 * and then applies no bounds. In bodies, Ajv rejects them itself.
 */
export function rejectInfiniteNumbers(server: FastifyInstance): void {
  server.addHook('preHandler', (request, _reply, done) => {
    const parameters = Object.entries(request.query as Readonly<Record<string, unknown>>);
    const infinite = parameters.filter(([, value]) => typeof value === 'number' && !Number.isFinite(value));
    const errors = infinite.map(([parameter]) => ({ parameter, reason: 'is not a number' }));
    done(errors.length > 0 ? invalidQuery(errors) : undefined);
  });
}
