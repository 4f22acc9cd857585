import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore } from '@sonde/backbone/store/store';
import { fastify, type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import type { Registry } from 'prom-client';
import { answerErrorsWithProblems, sendError } from './errors.js';
import { measureRequests } from './request-metrics.js';
import { dnsRoute } from './routes/dns.js';
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
 * @throws Error with code EADDRINUSE or EACCES if it cannot listen there.
 */
export async function startQueryApi(options: QueryApiOptions): Promise<QueryApi> {
  const server = createServer(options);
  const url = await server.listen({ host: options.host ?? '127.0.0.1', port: options.port });
  return { url, close: () => server.close() };
}

function createServer({ store, registry, log }: QueryApiOptions): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = log;
  const server = fastify({
    loggerInstance,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: sendError,
    // Say all that is wrong at once, and refuse what is not declared instead of leaving it out.
    ajv: { customOptions: { allErrors: true, removeAdditional: false, coerceTypes: 'array' } },
  });
  answerErrorsWithProblems(server);
  measureRequests(server, registry);
  flowsRoute(server, store);
  dnsRoute(server, store);
  healthzRoute(server);
  readyzRoute(server, store);
  metricsRoute(server, registry);
  return server;
}
