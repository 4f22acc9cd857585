import { isLoopback } from '@sonde/backbone/service/loopback';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import { accessOf, rights } from '@sonde/query/access/access';
import type { Authenticate } from './request-access.js';

/**
 * Grants everything to clients on this machine, but nothing to websites open in a browser here. The `Host` must be this
 * machine: a website whose name resolves to 127.0.0.1 (DNS rebinding) must not read responses. And the request must not
 * come from a page of another site or origin, which could not read the response but could cause the work. Clients that
 * are not browsers do not send these headers.
 */
export function allowLoopback(): Authenticate {
  const local = accessOf('local', [{ rights, namespaces: 'all' }]);
  return (request: FastifyRequest) => {
    const refusal = refusalOf(request);
    return refusal ? Promise.reject(refusal) : Promise.resolve(local);
  };
}

function refusalOf(request: FastifyRequest): Problem | undefined {
  if (!isLoopback(request.hostname)) {
    return new Problem(
      'SONDE_MISDIRECTED_REQUEST',
      'without authentication, only requests to localhost or a loopback address are accepted',
    );
  }
  if (!isCrossOrigin(request)) return undefined;
  return new Problem(
    'SONDE_FORBIDDEN',
    'without authentication, requests from pages of other origins are refused',
  );
}

/** Evaluates what browsers send: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header and RFC 6454 §7. */
function isCrossOrigin({ headers, host }: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, origin } = headers;
  if (site === 'cross-site' || site === 'same-site') return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase();
}
