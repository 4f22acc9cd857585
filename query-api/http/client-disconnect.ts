import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Aborted when whoever asked has gone before the answer was sent. Fastify's own `signal` is aborted as soon as the
     * request has arrived whole, so it is of no use to requests with a body.
     */
    readonly disconnectSignal: AbortSignal;
  }
}

const signals = new WeakMap<FastifyRequest, AbortSignal>();

/** Notices when clients leave, so that nothing is worked out for nobody. */
export function detectDisconnects(server: FastifyInstance): void {
  server.decorateRequest('disconnectSignal', {
    getter(this: FastifyRequest) {
      const signal = signals.get(this);
      if (!signal) throw new Error('whether a client has left is known from the first hook on');
      return signal;
    },
  });
  server.addHook('onRequest', (request, reply, done) => {
    const controller = new AbortController();
    signals.set(request, controller.signal);
    onResponseEnd(request, reply, () => {
      if (!reply.raw.writableFinished) controller.abort();
    });
    done();
  });
}

/** Whether whoever asked has gone; of requests that fail before any hook runs, as those to no address, it is not known. */
export function hasDisconnected(request: FastifyRequest): boolean {
  return signals.get(request)?.aborted ?? false;
}

/**
 * Calls back once, when an answer is sent or its client has gone. Node closes an answer with its connection only if it
 * was that one's turn: those to requests that were sent before the answer to an earlier one are never closed.
 */
export function onResponseEnd(request: FastifyRequest, reply: FastifyReply, callback: () => void): void {
  const { socket } = request.raw;
  if (reply.raw.closed || socket.destroyed) {
    callback();
    return;
  }
  // A connection may have any number of requests under way; each takes its listeners back.
  socket.setMaxListeners(0);
  const over = () => {
    reply.raw.off('close', over);
    socket.off('close', over);
    callback();
  };
  reply.raw.once('close', over);
  socket.once('close', over);
}
