import type { FlowStore } from '@sonde/backbone/store/store';
import type { Logger } from '@sonde/backbone/logging';
import { SharedQueries } from '@sonde/query/context/shared-queries';
import { boundQueries } from '@sonde/query/limits/bounded-queries';
import { CooperativeScheduler } from '@sonde/query/limits/cooperative-scheduler';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import type { CurrentSecurity } from './access/current-security.js';
import { allowLoopback } from './access/loopback.js';
import { accessPlugin } from './access/plugin.js';
import { requireAccess } from './access/request-access.js';
import { aggregationPlugin } from './aggregation/plugin.js';
import { builtConsole, consolePlugin } from './console/plugin.js';
import { graphPlugin } from './graph/plugin.js';
import { logRequests } from './http/access-log.js';
import { detectDisconnects } from './http/client-disconnect.js';
import { addEntityTags } from './http/entity-tags.js';
import { handleErrors, sendError } from './http/errors.js';
import { rejectUnknownPaths } from './http/unknown-paths.js';
import { rejectInfiniteNumbers } from './http/finite-numbers.js';
import { encodeLargeResponses } from './http/large-responses.js';
import { acceptJsonBodies } from './http/json-body.js';
import { malformedRequestHandler } from './http/malformed-requests.js';
import { provideQueryContext } from './http/query-context.js';
import { requestId, sendRequestIds } from './http/request-ids.js';
import { measureRequests } from './http/request-metrics.js';
import { securityHeaders, sendHeaders } from './http/security-headers.js';
import { type TlsFiles, tlsOptions } from './http/tls.js';
import { requireUniqueHeaders } from './http/unique-headers.js';
import { limitRequests } from './limits/limit-requests.js';
import type { Limits } from './limits/limits.js';
import type { LiveFeed } from './live/feed.js';
import { livePlugin } from './live/plugin.js';
import { registerApiMetrics } from './metrics.js';
import { describeApi } from './openapi/describe-api.js';
import { operationsPlugin } from './operations/plugin.js';
import { policiesPlugin } from './policies/plugin.js';
import { recordsPlugin } from './records/plugin.js';
import { workloadsPlugin } from './workloads/plugin.js';

/** What the server is built from. */
export interface ServerParts {
  readonly store: FlowStore;
  readonly feed: LiveFeed;
  readonly registry: Registry;
  readonly log: Logger;
  readonly limits: Limits;
  /** The access configuration; without it, clients on this machine have access to everything. */
  readonly security: CurrentSecurity | undefined;
  readonly tls: TlsFiles | 'elsewhere' | undefined;
  readonly trustedProxies: readonly string[];
}

/** Timeout for a request to arrive completely, so that slow senders do not hold connections. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Maximum length of an encoded path parameter: the longest one that a route accepts (350 characters of a label) has up to
 * 12 bytes per character when it is percent-encoded.
 */
const MAX_PATH_PARAMETER_LENGTH = 350 * 12;

/**
 * Maximum size of the request line and headers: enough for a filter, fields, a cursor and a token of maximum length, of
 * which a filter has up to 12 bytes per character when it is percent-encoded.
 */
const MAX_HEADER_BYTES = 192 * 1024;

/** Creates the server with all features; it does not listen yet. */
export async function createServer(parts: ServerParts): Promise<FastifyInstance> {
  const { store, feed, registry, limits, security } = parts;
  const bounded = boundQueries(store, limits.queries);
  const scheduler = new CooperativeScheduler();
  const metrics = registerApiMetrics(registry);
  const headers = securityHeaders(parts.tls !== undefined);
  const server = createHttpServer(parts, headers);

  handleErrors(server);
  acceptJsonBodies(server);
  rejectInfiniteNumbers(server);
  // These hooks run in this order: access needs the disconnect signal, limits and queries need access.
  sendRequestIds(server);
  detectDisconnects(server);
  sendHeaders(server, headers);
  measureRequests(server, metrics.onResponse);
  logRequests(server);
  requireUniqueHeaders(server);
  requireAccess(server, security ? (request) => security.authenticate(request) : allowLoopback());
  limitRequests(server, limits, metrics.onRefused);
  rejectUnknownPaths(server);
  provideQueryContext(server, { store: bounded, limits, cache: new SharedQueries(bounded), scheduler });
  encodeLargeResponses(server, scheduler);
  addEntityTags(server);
  await describeApi(server, { limits, isAuthenticated: security !== undefined });

  await server.register(recordsPlugin);
  await server.register(livePlugin, { feed, security });
  await server.register(aggregationPlugin);
  await server.register(graphPlugin);
  await server.register(workloadsPlugin);
  await server.register(policiesPlugin);
  await server.register(accessPlugin, { security });
  await server.register(operationsPlugin, { store, registry });
  await server.register(consolePlugin, { folder: builtConsole() });
  return server;
}

function createHttpServer(
  { log, tls, trustedProxies, limits }: ServerParts,
  headers: Readonly<Record<string, string>>,
): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = log;
  // Requests without a host header get a problem document instead of Node's empty response.
  const http = { maxHeaderSize: MAX_HEADER_BYTES, requireHostHeader: false };
  return fastify({
    ...(typeof tls === 'object' ? { https: { ...http, ...tlsOptions(tls) } } : { http }),
    loggerInstance,
    trustProxy: [...trustedProxies],
    bodyLimit: limits.bodyBytes,
    requestTimeout: REQUEST_TIMEOUT_MS,
    genReqId: requestId,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    logController: new LogController({ disableRequestLogging: true }),
    // Such errors occur before any hook has run.
    frameworkErrors: (error, request, reply) => sendError(error, request, reply.headers(headers)),
    clientErrorHandler: malformedRequestHandler(headers),
    // HEAD requests to streams would never end.
    exposeHeadRoutes: false,
    // Report all errors with their schemas; reject unknown parameters instead of removing them.
    ajv: { customOptions: { allErrors: true, verbose: true, removeAdditional: false, coerceTypes: 'array' } },
  });
}
