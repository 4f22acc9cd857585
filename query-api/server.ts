import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import type { SecurityOptions } from './access/authenticate.js';
import { CurrentSecurity } from './access/current-security.js';
import { allowLoopback, isLoopback } from './access/loopback.js';
import { requireAccess } from './access/request-access.js';
import { provideQueryContext } from './http/query-context.js';
import { detectDisconnects } from './http/client-disconnect.js';
import { tagAnswers } from './http/entity-tags.js';
import { answerErrorsWithProblems, sendError } from './http/errors.js';
import { refuseInfinity } from './http/finite-numbers.js';
import { acceptJsonBodies } from './http/json-body.js';
import { boundQueries } from '@sonde/query/limits/bounded-queries';
import { limitRequests } from './limits/limit-requests.js';
import { defaultLimits, type Limits, localLimits } from './limits/limits.js';
import { describeApi } from './openapi/describe-api.js';
import { requestId, sendRequestIds } from './http/request-ids.js';
import type { LiveFeed } from './live/feed.js';
import { LiveHub } from './live/hub.js';
import { createStoreFeed } from './live/store-feed.js';
import { SharedAnswers } from '@sonde/query/context/shared-answers';
import { answerMalformed } from './http/malformed-requests.js';
import { measureRequests } from './http/request-metrics.js';

import { dnsRoute } from './routes/dns.js';
import { fieldValuesRoute } from './routes/field-values.js';
import { fieldsRoute } from './routes/fields.js';
import { flowsRoute } from './routes/flows.js';
import { graphRoute } from './routes/graph.js';
import { healthzRoute } from './routes/healthz.js';
import { liveRoute } from './routes/live.js';
import { loginRoute } from './routes/login.js';
import { metricsRoute } from './routes/metrics.js';
import { openapiRoute } from './routes/openapi.js';
import { queryRoute } from './routes/query.js';
import { policiesRoute } from './routes/policies.js';
import { policiesApplyingRoute } from './routes/policies-applying.js';
import { policiesChangesRoute } from './routes/policies-changes.js';
import { policiesEvaluateRoute } from './routes/policies-evaluate.js';
import { policiesPreviewRoute } from './routes/policies-preview.js';
import { policiesSuggestRoute } from './routes/policies-suggest.js';
import { readyzRoute } from './routes/readyz.js';
import { whoamiRoute } from './routes/whoami.js';
import { workloadsRoute } from './routes/workloads.js';
import { securityHeaders, sendHeaders } from './http/security-headers.js';
import { type ReloadableServer, reloadTls, type TlsFiles, tlsOptions } from './http/tls.js';

export interface QueryApiOptions {
  readonly store: FlowStore;
  /** Address to listen on; by default only this machine can reach the API. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /**
   * Who may use the API. Without it whoever is on this machine may do everything, and the API listens on loopback
   * addresses only.
   */
  readonly security?: SecurityOptions;
  /** The server's certificate; `elsewhere` if something before it encrypts. Must be given to listen beyond loopback. */
  readonly tls?: TlsFiles | 'elsewhere';
  /** How often it is looked whether the certificate was renewed, in milliseconds. */
  readonly tlsLookMs?: number;
  /** Addresses and prefixes of proxies whose word (X-Forwarded-For) is taken for where requests come from. */
  readonly trustedProxies?: readonly string[];
  /** Where live views get their records from; without it the store is asked for what is new. */
  readonly live?: LiveFeed;
  /** What differs from {@link defaultLimits}; without `security` from {@link localLimits}. */
  readonly limits?: Partial<Limits>;
  /** What `/metrics` shows, and where the API's own figures go. */
  readonly registry: Registry;
  readonly log: Logger;
}

export interface QueryApi {
  /** Where it listens, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /**
   * Says again who may use the API; whoever reads a live view and may no longer is cut off.
   * @throws SecurityError if `security` cannot be meant; then the former holds. Error if there was none at the start.
   */
  reload(security: SecurityOptions): void;
  /** Lets requests under way finish, for some seconds, then stops. The store stays open. */
  close(): Promise<void>;
}

/** How long requests may take to finish when the server closes. */
const CLOSING_MS = 5000;
/** How long a request may take to arrive whole: slow senders must not hold connections. */
const ARRIVAL_MS = 30_000;

/** The longest part of a path that stands for a name; each route says itself how long its names may be. */
const MAX_PATH_PARAMETER_LENGTH = 1024;

/**
 * Serves the HTTP interface to stored flows and DNS lookups.
 * @throws Error with code EADDRINUSE or EACCES if it cannot listen there; Error if others could reach it there without
 *   saying who they are or without encryption; SecurityError if `security` cannot be meant.
 */
export async function startQueryApi(options: QueryApiOptions): Promise<QueryApi> {
  const { host = '127.0.0.1', port, tls, tlsLookMs, log } = options;
  assertSafe(host, options);
  const security = options.security && new CurrentSecurity(options.security);
  const server = await createServer(options, security);
  // Fastify's type of a server does not tell that with certificates it is one of https.
  const encrypting = server.server as object as ReloadableServer;
  const stopReloading = typeof tls === 'object' ? reloadTls(encrypting, tls, log, tlsLookMs) : undefined;
  const url = await server.listen({ host, port });
  return {
    url,
    reload(again) {
      if (!security) throw new Error('the API began without authentication');
      security.reload(again);
    },
    async close() {
      stopReloading?.();
      const impatience = setTimeout(() => server.server.closeAllConnections(), CLOSING_MS);
      await server.close();
      clearTimeout(impatience);
    },
  };
}

function assertSafe(host: string, { security, tls }: QueryApiOptions): void {
  if (isLoopback(host)) return;
  if (!security) {
    throw new Error(`the API may not listen on ${host}, where others reach it, without authentication`);
  }
  if (!tls) {
    throw new Error(
      `the API may not listen on ${host} without a certificate: tokens would travel in the clear; ` +
        "give its files, or say that something before it encrypts (tls: 'elsewhere')",
    );
  }
}

/** The server with all its routes; it does not listen yet. */
async function createServer(
  options: QueryApiOptions,
  security: CurrentSecurity | undefined,
): Promise<FastifyInstance> {
  const { store, registry, log, tls, trustedProxies = [] } = options;
  const limits: Limits = { ...(security ? defaultLimits : localLimits), ...options.limits };
  const bounded = boundQueries(store, limits.queries);
  const headers = securityHeaders(tls !== undefined);
  const loggerInstance: FastifyBaseLogger = log;
  const server = fastify({
    ...(typeof tls === 'object' && { https: tlsOptions(tls) }),
    loggerInstance,
    trustProxy: [...trustedProxies],
    bodyLimit: limits.bodyBytes,
    requestTimeout: ARRIVAL_MS,
    genReqId: requestId,
    routerOptions: { maxParamLength: MAX_PATH_PARAMETER_LENGTH },
    logController: new LogController({ disableRequestLogging: true }),
    // No hook has run when these come about.
    frameworkErrors: (error, request, reply) => sendError(error, request, reply.headers(headers)),
    clientErrorHandler: answerMalformed(headers),
    // Those of streams would go on for nobody.
    exposeHeadRoutes: false,
    // Say all that is wrong at once, and with what it is wrong; refuse what is not declared instead of leaving it out.
    ajv: { customOptions: { allErrors: true, verbose: true, removeAdditional: false, coerceTypes: 'array' } },
  });
  answerErrorsWithProblems(server);
  acceptJsonBodies(server);
  refuseInfinity(server);
  sendRequestIds(server);
  detectDisconnects(server);
  sendHeaders(server, headers);
  measureRequests(server, registry);
  requireAccess(server, security ? (request) => security.authenticate(request) : allowLoopback());
  limitRequests(server, limits, registry);
  provideQueryContext(server, { store: bounded, limits, cache: new SharedAnswers(bounded) });
  tagAnswers(server);
  await describeApi(server);

  flowsRoute(server);
  dnsRoute(server);
  const hub = new LiveHub(options.live ?? createStoreFeed({ store, log }));
  server.addHook('preClose', (done) => {
    hub.close();
    done();
  });
  liveRoute(server, hub, { path: '/api/v1/flows/live', kind: 'flows', security });
  liveRoute(server, hub, { path: '/api/v1/dns/live', kind: 'dns', security });
  queryRoute(server);
  graphRoute(server);
  fieldsRoute(server);
  fieldValuesRoute(server);
  policiesRoute(server);
  policiesApplyingRoute(server);
  policiesChangesRoute(server);
  policiesEvaluateRoute(server);
  policiesPreviewRoute(server);
  policiesSuggestRoute(server);
  workloadsRoute(server);
  whoamiRoute(server);
  loginRoute(server, security);
  openapiRoute(server);
  healthzRoute(server);
  readyzRoute(server, store);
  metricsRoute(server, registry);
  return server;
}
