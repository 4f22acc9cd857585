import type { FastifyInstance } from 'fastify';
import { Counter, type Registry } from 'prom-client';
import { onResponseEnd } from '../http/client-disconnect.js';
import { Problem } from '../http/problem.js';
import type { Limits } from './limits.js';
import { TokenBuckets } from './token-buckets.js';
import { ConcurrencyLimiter } from '@sonde/query/limits/concurrency-limiter';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The answer goes on until the client leaves: it takes no turn of those that end, but one of its own kind. */
    readonly stream?: boolean;
  }
}

/**
 * Holds each identity to its share: how often it asks, how much at the same time. Comes after `requireAccess`.
 * Who goes away while waiting gives up the place; a turn ends with its answer, however that ends.
 */
export function limitRequests(server: FastifyInstance, limits: Limits, registry: Registry): void {
  const rate = new TokenBuckets(limits.requests);
  const requests = new ConcurrencyLimiter(limits);
  const streams = new ConcurrencyLimiter({ concurrent: limits.streams, waiting: 0 });
  const refused = new Counter({
    name: 'sonde_api_requests_refused_total',
    help: 'Requests refused because their sender had asked too much',
    labelNames: ['limit'],
    registers: [registry],
  });

  const refuse = (limit: string, detail: string, seconds: number) => {
    refused.inc({ limit });
    return new Problem(429, detail, [], { 'retry-after': String(Math.ceil(seconds)) });
  };

  server.addHook('onRequest', async (request, reply) => {
    const { access, stream = false } = request.routeOptions.config;
    if (access === 'public') return;
    const { subject } = request.access;
    const seconds = rate.take(subject);
    if (seconds > 0) throw refuse('rate', 'you ask too often', seconds);
    const end = await (stream ? streams : requests).acquire(subject, request.disconnectSignal);
    if (!end) {
      throw stream
        ? refuse('streams', `you have ${limits.streams} live streams open already`, 10)
        : refuse('waiting', `${limits.waiting} of your requests wait already`, 1);
    }
    onResponseEnd(request, reply, end);
  });
}
