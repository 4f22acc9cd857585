import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Number of rows in the response, for the access log; undefined if it has none. */
    rowCount: number | undefined;
    /** Identity of the client, for the access log; undefined until it is authenticated, and on public routes. */
    subject: string | undefined;
  }
}

/** Parameters that are not logged: opaque, or whole documents. */
const UNLOGGED_PARAMETERS = new Set(['cursor', 'manifests', 'apply', 'connections']);

/** Maximum length of a logged value, in characters. */
const MAX_VALUE_LENGTH = 500;

/**
 * Logs each request when its response ends: client, route, parameters, status, duration and number of rows. Requests to
 * public routes (health checks) are logged at level debug, others at info. Only declared parameters are logged, so that
 * tokens that a client sends in the wrong place do not get into the log; headers are never logged.
 */
export function logRequests(server: FastifyInstance): void {
  server.decorateRequest('rowCount', undefined);
  server.decorateRequest('subject', undefined);
  server.addHook('preSerialization', (request, _reply, payload, done) => {
    request.rowCount ??= rowsOf(payload);
    done(null, payload);
  });
  server.addHook('onResponse', (request, reply, done) => {
    const isPublic = request.routeOptions.config.access === 'public';
    request.log[isPublic ? 'debug' : 'info'](
      {
        subject: request.subject,
        remoteAddress: request.ip,
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        parameters: parametersOf(request),
        status: reply.statusCode,
        durationMs: Math.round(reply.elapsedTime),
        rows: request.rowCount,
        ...(!reply.raw.writableFinished && { disconnected: true }),
      },
      'request',
    );
    done();
  });
}

/** The number of items in the largest array of a response. */
function rowsOf(payload: unknown): number | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const lengths = Object.values(payload).map((value) => (Array.isArray(value) ? value.length : -1));
  const most = Math.max(-1, ...lengths);
  return most < 0 ? undefined : most;
}

/** The declared parameters of path, query and body, without long or opaque values. */
function parametersOf(request: FastifyRequest): Record<string, unknown> {
  const { params, querystring, body } = request.routeOptions.schema ?? {};
  return {
    ...declared(request.params, params),
    ...declared(request.query, querystring),
    ...declared(request.body, body),
  };
}

function declared(values: unknown, schema: unknown): Record<string, unknown> {
  const { properties = {} } = (schema ?? {}) as { readonly properties?: object };
  if (typeof values !== 'object' || values === null) return {};
  const entries = Object.entries(values).filter(
    ([name]) => Object.hasOwn(properties, name) && !UNLOGGED_PARAMETERS.has(name),
  );
  return Object.fromEntries(entries.map(([name, value]) => [name, shortened(value)]));
}

function shortened(value: unknown): unknown {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
