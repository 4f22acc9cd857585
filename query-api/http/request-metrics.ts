import type { FastifyInstance } from 'fastify';

/** Reports the method, route, status and duration of each response. */
export function measureRequests(
  server: FastifyInstance,
  report: (labels: { method: string; route: string; status: number }, seconds: number) => void,
): void {
  server.addHook('onResponse', async (request, reply) => {
    // The declared route, not the requested path: the number of label values stays small whatever clients send.
    const route = request.routeOptions.url ?? 'none';
    report({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
  });
}
