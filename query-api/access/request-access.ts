import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Problem } from '../http/problem.js';
import { type Access, holds, type Right } from '@sonde/query/access/access';

/**
 * What a route asks of who uses it: `public` nothing, `authenticated` to be known, a right to hold it in at least one
 * namespace, `unrestricted` to hold it in all.
 */
export type RouteAccess = 'public' | 'authenticated' | Right | { readonly unrestricted: Right };

/** What a route asks that says nothing. */
const DEFAULT: RouteAccess = 'view';

/** Finds out who asks. @throws Problem 401 if nobody or somebody unknown does. */
export type Authenticate = (request: FastifyRequest) => Promise<Access>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route; by default who may view something. */
    readonly access?: RouteAccess;
  }
  interface FastifyRequest {
    /** Who asks, and what they may do. Throws on a `public` route: nobody was asked for there. */
    readonly access: Access;
    /** Finds it out again, for what goes on for long. @throws Problem if they may not use the route any more. */
    refreshAccess(this: FastifyRequest): Promise<Access>;
  }
}

/**
 * Lets only those pass to a route who may use it, and tells the route who they are. Paths without a route are like
 * routes that say nothing, so that nobody finds out by asking what there is.
 */
export function requireAccess(server: FastifyInstance, authenticate: Authenticate): void {
  const known = new WeakMap<FastifyRequest, Access>();
  server.decorateRequest('access', {
    getter(this: FastifyRequest) {
      const access = known.get(this);
      if (!access) throw new Error('a public route may not look at who asks');
      return access;
    },
  });
  server.decorateRequest('refreshAccess', function (this: FastifyRequest) {
    return accessTo(this, requiredBy(this));
  });
  server.addHook('onRequest', async (request) => {
    const required = requiredBy(request);
    if (required !== 'public') known.set(request, await accessTo(request, required));
  });

  async function accessTo(request: FastifyRequest, required: RouteAccess): Promise<Access> {
    const access = await authenticate(request);
    if (isAllowed(access, required)) return access;
    throw new Problem(403, `${access.subject} has not the right to do this`);
  }
}

function requiredBy(request: FastifyRequest): RouteAccess {
  return request.routeOptions.config.access ?? DEFAULT;
}

function isAllowed(access: Access, required: RouteAccess): boolean {
  if (required === 'public' || required === 'authenticated') return true;
  if (typeof required === 'object') return access.namespaces(required.unrestricted) === 'all';
  return holds(access, required);
}
