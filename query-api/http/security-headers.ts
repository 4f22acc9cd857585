import type { FastifyInstance } from 'fastify';

/**
 * Headers that make browsers treat responses as data only: never as a page, script or frame, and never cached. There
 * are no CORS headers, so pages of other origins cannot read responses.
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

/** Adds headers to every response. */
export function sendHeaders(server: FastifyInstance, headers: Readonly<Record<string, string>>): void {
  server.addHook('onRequest', async (_request, reply) => {
    reply.headers(headers);
  });
}
