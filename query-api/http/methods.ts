import type { FastifyInstance, HTTPMethods } from 'fastify';

/** The methods that any route supports. */
const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The methods that a path supports, for the `Allow` header (RFC 9110 §10.2.1); empty if there is no such path. */
export function allowedMethods(server: FastifyInstance, path: string): string[] {
  return METHODS.filter((method) => {
    // The declared type lacks null, which is the result if there is no such route.
    const route: unknown = server.findRoute({ method, url: path });
    return route !== null;
  });
}
