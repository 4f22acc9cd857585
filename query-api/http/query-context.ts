import type { QueryContext, QueryEngine } from '@sonde/query/context/query-context';
import type { QueryLimits } from '@sonde/query/limits/query-limits';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyInstance {
    /** Limits of a single query, for the schemas of routes. */
    readonly queryLimits: QueryLimits;
  }
  interface FastifyRequest {
    /** What queries of this request run with; canceled when the client disconnects. */
    readonly queryContext: QueryContext;
  }
}

/** Gives each request its query context. Requires `detectDisconnects` and `requireAccess`. */
export function provideQueryContext(server: FastifyInstance, engine: QueryEngine): void {
  server.decorate('queryLimits', engine.limits);
  server.decorateRequest('queryContext', {
    getter(): QueryContext {
      return { ...engine, access: this.access, signal: this.disconnectSignal };
    },
  });
}
