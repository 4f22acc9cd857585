import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { Problem } from '../problem.js';
import { accessOf, rights } from './access.js';
import type { Authenticate } from './request-access.js';

/** Whether an address to listen on, or a name of it, is reached from this machine only. */
export function isLoopback(host: string): boolean {
  const name = host.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/**
 * Everybody on this machine may do everything. The request must name this machine as its host: a page of some website
 * that has its own name resolve to 127.0.0.1 (DNS rebinding) must not read answers through somebody's browser.
 */
export function allowLoopback(): Authenticate {
  const local = accessOf('local', [{ rights, namespaces: 'all' }]);
  return (request: FastifyRequest) => {
    if (isLoopback(request.hostname)) return Promise.resolve(local);
    return Promise.reject(
      new Problem(
        421,
        'without authentication only requests to localhost or a loopback address are answered',
      ),
    );
  };
}
