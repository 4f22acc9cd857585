import { ConcurrencyLimiter } from '@sonde/query/limits/concurrency-limiter';
import type { FastifyInstance } from 'fastify';
import { onResponseEnd } from '../http/client-disconnect.js';
import { Problem } from '../http/problem.js';
import type { Limits } from './limits.js';
import { TokenBuckets } from './token-buckets.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The response lasts until the client disconnects: it counts as a live stream, not as a concurrent request. */
    readonly stream?: boolean;
  }
}

/** The limits of an identity that refuse requests: requests per second, waiting requests, live streams. */
export type RequestLimitName = 'rate' | 'waiting' | 'streams';

/**
 * Limits the request rate and the concurrent requests of each identity. Requires `requireAccess`.
 * A request that waits gives up its place when its client disconnects.
 */
export function limitRequests(
  server: FastifyInstance,
  limits: Limits,
  onRefused: (limit: RequestLimitName) => void,
): void {
  const rate = new TokenBuckets(limits.requests);
  const requests = new ConcurrencyLimiter(limits);
  const streams = new ConcurrencyLimiter({ concurrent: limits.streams, waiting: 0 });

  const refuse = (limit: RequestLimitName, detail: string, seconds: number) => {
    onRefused(limit);
    return new Problem('SONDE_RATE_LIMITED', detail, {
      headers: { 'retry-after': String(Math.ceil(seconds)) },
    });
  };

  server.addHook('onRequest', async (request, reply) => {
    const { access, stream = false } = request.routeOptions.config;
    if (access === 'public') return;
    const { subject } = request.access;
    const seconds = rate.take(subject);
    if (seconds > 0) {
      const { burst, perSecond } = limits.requests;
      throw refuse('rate', `more than ${perSecond} requests per second (burst ${burst})`, seconds);
    }
    const release = await (stream ? streams : requests).acquire(subject, request.disconnectSignal);
    if (!release) {
      throw stream
        ? refuse('streams', `more than ${limits.streams} open live streams`, 10)
        : refuse('waiting', `more than ${limits.waiting} waiting requests`, 1);
    }
    onResponseEnd(request, reply, release);
  });
}
