import type { FastifyInstance, HTTPMethods } from 'fastify';
import { Problem } from './problem.js';

/** The methods that routes can support. */
const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Rejects requests without a route before their body is read: with 405 if the path supports other methods, else with 404.
 * Requires `requireAccess`, so that only clients with access learn which paths exist.
 */
export function rejectUnknownPaths(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    if (!request.is404) {
      done();
      return;
    }
    const path = request.url.replace(/\?.*/s, '');
    const allowed = allowedMethods(server, path);
    done(
      allowed.length > 0
        ? new Problem('SONDE_METHOD_NOT_ALLOWED', `${path} does not support ${request.method}`, {
            headers: { allow: allowed.join(', ') },
          })
        : new Problem('SONDE_NOT_FOUND', `there is no resource at ${path}`),
    );
  });
}

/** The methods that a path supports, for the `Allow` header (RFC 9110 §10.2.1); empty if there is no such path. */
function allowedMethods(server: FastifyInstance, path: string): string[] {
  return METHODS.filter((method) => {
    // The declared type lacks null, which is the result if there is no such route.
    const route: unknown = server.findRoute({ method, url: path });
    return route !== null;
  });
}
