import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { allowLoopback, isLoopback } from './access/loopback.js';
import { requireAccess } from './access/request-access.js';
import { answerErrorsWithProblems, sendError } from './errors.js';
import { defaultLimits, type Limits } from './limits/limits.js';
import { measureRequests } from './request-metrics.js';
import { dnsRoute } from './routes/dns.js';
import type { RouteDependencies } from './routes/dependencies.js';
import { flowsRoute } from './routes/flows.js';
import { healthzRoute } from './routes/healthz.js';
import { metricsRoute } from './routes/metrics.js';
import { readyzRoute } from './routes/readyz.js';

export interface QueryApiOptions {
  readonly store: FlowStore;
  /** Address to listen on; by default only this machine can reach the API. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** What differs from {@link defaultLimits}. */
  readonly limits?: Partial<Limits>;
  /** What `/metrics` shows, and where the API's own figures go. */
  readonly registry: Registry;
  readonly log: Logger;
}

export interface QueryApi {
  /** Where it listens, for example `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Lets requests under way finish, then stops. The store stays open. */
  close(): Promise<void>;
}

/**
 * Serves the HTTP interface to stored flows and DNS look-ups.
 * @throws Error with code EADDRINUSE or EACCES if it cannot listen there, and if others could reach it there without
 *   saying who they are.
 */
export async function startQueryApi(options: QueryApiOptions): Promise<QueryApi> {
  const host = options.host ?? '127.0.0.1';
  if (!isLoopback(host)) {
    throw new Error(`the API may not listen on ${host}, where others reach it, without authentication`);
  }
  const server = createServer(options);
  const url = await server.listen({ host, port: options.port });
  return { url, close: () => server.close() };
}

function createServer({ store, registry, log, limits: changed }: QueryApiOptions): FastifyInstance {
  const limits = { ...defaultLimits, ...changed };
  const dependencies: RouteDependencies = { store, limits };
  const loggerInstance: FastifyBaseLogger = log;
  const server = fastify({
    loggerInstance,
    bodyLimit: limits.bodyBytes,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendError,
    // Say all that is wrong at once, and refuse what is not declared instead of leaving it out.
    ajv: { customOptions: { allErrors: true, removeAdditional: false, coerceTypes: 'array' } },
  });
  answerErrorsWithProblems(server);
  measureRequests(server, registry);
  requireAccess(server, allowLoopback());
  flowsRoute(server, dependencies);
  dnsRoute(server, dependencies);
  healthzRoute(server);
  readyzRoute(server, store);
  metricsRoute(server, registry);
  return server;
}
