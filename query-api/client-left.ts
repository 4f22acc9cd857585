import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Aborted when whoever asked has gone before the answer was sent. Fastify's own `signal` is aborted as soon as the
     * request has arrived whole, so it is of no use to requests with a body.
     */
    readonly left: AbortSignal;
  }
}

/** Notices when clients leave, so that nothing is worked out for nobody. */
export function noticeLeaving(server: FastifyInstance): void {
  const signals = new WeakMap<FastifyRequest, AbortSignal>();
  server.decorateRequest('left', {
    getter(this: FastifyRequest) {
      return signals.get(this) ?? AbortSignal.abort();
    },
  });
  server.addHook('onRequest', (request, reply, done) => {
    const controller = new AbortController();
    signals.set(request, controller.signal);
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) controller.abort();
    });
    done();
  });
}
