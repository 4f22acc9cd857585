import { once } from 'node:events';
import http from 'node:http';

/** The request header with the requested response size in bytes. */
export const responseBytesHeader = 'x-response-bytes';

/** A keep-alive connection is closed after this many requests, so that long connections also start and end. */
const requestsPerConnection = 30;

/** Serves on all addresses, of both families; resolves when it listens. */
export async function serveHttp(port: number): Promise<void> {
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const size = Number(request.headers[responseBytesHeader] ?? 0);
    request.resume().on('end', () => response.end(Buffer.alloc(size, '.')));
  });
  server.maxRequestsPerSocket = requestsPerConnection;
  server.listen(port, '::');
  await once(server, 'listening');
}
