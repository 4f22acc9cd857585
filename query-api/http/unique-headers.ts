import type { FastifyInstance } from 'fastify';
import { Problem } from './problem.js';

/** Headers that must occur at most once (RFC 9112 §3.2, RFC 9110 §5.3); Node keeps the first and ignores others. */
const UNIQUE_HEADERS = ['host', 'authorization'];

/**
 * Rejects requests with several `Host` or `Authorization` headers, of which a proxy may have used another one, and
 * HTTP/1.1 requests without `Host`.
 */
export function requireUniqueHeaders(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    const { rawHeaders, httpVersion } = request.raw;
    const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
    const repeated = UNIQUE_HEADERS.find((header) => names.filter((name) => name === header).length > 1);
    if (repeated !== undefined) {
      done(new Problem('SONDE_MALFORMED_REQUEST', `the request has several ${repeated} headers`));
    } else if (httpVersion === '1.1' && !names.includes('host')) {
      done(new Problem('SONDE_MALFORMED_REQUEST', 'the request has no host header'));
    } else done();
  });
}
