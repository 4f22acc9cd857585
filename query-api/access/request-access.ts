import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import { type Access, holds, type Right } from '@sonde/query/access/access';

/**
 * What a route requires: `public` nothing, `authenticated` a valid token, a right the right in at least one namespace,
 * `unrestricted` the right in all namespaces.
 */
export type RouteAccess = 'public' | 'authenticated' | Right | { readonly unrestricted: Right };

/** What a route requires unless it declares otherwise. */
const DEFAULT: RouteAccess = 'view';

/** Authenticates a request. @throws Problem SONDE_UNAUTHENTICATED without a valid token. */
export type Authenticate = (request: FastifyRequest) => Promise<Access>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route requires; the right `view` by default. */
    readonly access?: RouteAccess;
  }
  interface FastifyRequest {
    /** The client's identity and rights. Throws on a `public` route, where nobody is authenticated. */
    readonly access: Access;
    /** Checks access again, for long responses. @throws Problem if the client has lost access to the route. */
    refreshAccess(this: FastifyRequest): Promise<Access>;
  }
}

/**
 * Authenticates requests and checks the rights that their routes require. Paths without a route require the default
 * right, so that clients without it cannot probe which paths exist.
 */
export function requireAccess(server: FastifyInstance, authenticate: Authenticate): void {
  const accesses = new WeakMap<FastifyRequest, Access>();
  server.decorateRequest('access', {
    getter(this: FastifyRequest) {
      const access = accesses.get(this);
      if (!access) throw new Error('requests to a public route have no access');
      return access;
    },
  });
  server.decorateRequest('refreshAccess', function (this: FastifyRequest) {
    return accessTo(this, requiredBy(this));
  });
  server.addHook('onRequest', async (request) => {
    const required = requiredBy(request);
    if (required !== 'public') accesses.set(request, await accessTo(request, required));
  });

  async function accessTo(request: FastifyRequest, required: RouteAccess): Promise<Access> {
    const access = await authenticate(request);
    request.subject = access.subject;
    if (isAllowed(access, required)) return access;
    throw new Problem('SONDE_FORBIDDEN', `${access.subject} lacks ${missingRight(required)}`);
  }
}

function requiredBy(request: FastifyRequest): RouteAccess {
  return request.routeOptions.config.access ?? DEFAULT;
}

function missingRight(required: RouteAccess): string {
  return typeof required === 'object'
    ? `the right ${required.unrestricted} in all namespaces`
    : `the right ${required}`;
}

function isAllowed(access: Access, required: RouteAccess): boolean {
  if (required === 'public' || required === 'authenticated') return true;
  if (typeof required === 'object') return access.namespaces(required.unrestricted) === 'all';
  return holds(access, required);
}
