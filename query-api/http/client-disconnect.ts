import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * Aborts when the client disconnects before the response is sent. (Fastify's own `signal` aborts once the request
     * body has arrived, so it does not serve requests with a body.)
     */
    readonly disconnectSignal: AbortSignal;
  }
}

const signals = new WeakMap<FastifyRequest, AbortSignal>();

/** Detects clients that disconnect, so that their queries can be canceled. */
export function detectDisconnects(server: FastifyInstance): void {
  server.decorateRequest('disconnectSignal', {
    getter(this: FastifyRequest) {
      const signal = signals.get(this);
      if (!signal) throw new Error('the disconnect signal exists from the first onRequest hook on');
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

/** Whether the client has disconnected; false for requests that failed before any hook ran. */
export function hasDisconnected(request: FastifyRequest): boolean {
  return signals.get(request)?.aborted ?? false;
}

/**
 * Calls back once, when the response is sent or the connection is closed. Listens to both, because Node emits `close`
 * only on the response that the connection was sending, not on those of pipelined requests behind it.
 */
export function onResponseEnd(request: FastifyRequest, reply: FastifyReply, callback: () => void): void {
  const { socket } = request.raw;
  if (reply.raw.closed || socket.destroyed) {
    callback();
    return;
  }
  // A connection can have any number of pipelined requests; each removes its listeners.
  socket.setMaxListeners(0);
  const onEnd = () => {
    reply.raw.off('close', onEnd);
    socket.off('close', onEnd);
    callback();
  };
  reply.raw.once('close', onEnd);
  socket.once('close', onEnd);
}
