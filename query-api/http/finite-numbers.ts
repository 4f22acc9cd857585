import type { FastifyInstance } from 'fastify';
import { invalidQuery } from '@sonde/query/errors';

/**
 * Refuses numbers in addresses that are too large to be any, such as `1e309`: Ajv makes Infinity of their text after it
 * has looked whether it is a number, and then holds it to no bound. In bodies it refuses them itself.
 */
export function refuseInfinity(server: FastifyInstance): void {
  server.addHook('preHandler', (request, _reply, done) => {
    const given = Object.entries(request.query as Readonly<Record<string, unknown>>);
    const infinite = given.filter(([, value]) => typeof value === 'number' && !Number.isFinite(value));
    const errors = infinite.map(([parameter]) => ({ parameter, reason: 'is no number' }));
    done(errors.length > 0 ? invalidQuery(errors) : undefined);
  });
}
