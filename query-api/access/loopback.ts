import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import { accessOf, rights } from '@sonde/query/access/access';
import type { Authenticate } from './request-access.js';

/** Whether an address to listen on, or a name of it, is reached from this machine only. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/**
 * Everybody on this machine may do everything, but no website that somebody here has open in a browser. The request must
 * name this machine as its host: a page of some website that has its own name resolve to 127.0.0.1 (DNS rebinding) must
 * not read answers. And it must not come from a page of another site or origin, which could not read the answer but
 * have the work done. Programs that are no browsers send nothing of where they come from.
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
      421,
      'without authentication only requests to localhost or a loopback address are answered',
    );
  }
  if (!isOfAnotherPage(request)) return undefined;
  return new Problem(403, 'without authentication no requests of pages of other origins are answered');
}

/** What browsers say: https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header, and RFC 6454 §7. */
function isOfAnotherPage({ headers, host }: FastifyRequest): boolean {
  const { 'sec-fetch-site': site, origin } = headers;
  if (site === 'cross-site' || site === 'same-site') return true;
  if (origin === undefined) return false;
  return !URL.canParse(origin) || new URL(origin).host !== host.toLowerCase();
}
