import type { FastifyInstance } from 'fastify';

/**
 * What tells browsers to take answers as data only: never as a page, a script or a frame, and not to keep them. There
 * are no CORS headers, so pages of other origins cannot read anything.
 */
export function securityHeaders(encrypted: boolean): Readonly<Record<string, string>> {
  return {
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-store',
    ...(encrypted && { 'strict-transport-security': 'max-age=31536000' }),
  };
}

/** Sends headers with every answer that comes past a route. */
export function sendHeaders(server: FastifyInstance, headers: Readonly<Record<string, string>>): void {
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });
}
