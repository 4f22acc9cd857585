import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { EmbeddedEngine } from './engine.js';
import { EndpointError, httpStatus, toEndpointError } from './errors.js';
import { readRequest } from './request.js';

export interface ClickHouseEndpoint {
  /** The base URL, for example `http://127.0.0.1:8123`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A fake ClickHouse server for tests: the HTTP interface (https://clickhouse.com/docs/interfaces/http) over chDB, so the
 * engine and its SQL are real and the server is not. Supports POST and GET with `query`, `param_*`, `database`,
 * `query_id` and settings, gzip and Brotli compression, `/ping`, error codes and statuses, KILL QUERY, and canceling
 * queries when their client disconnects. Does not support users, sessions, multipart bodies, progress headers,
 * replication or clusters.
 * @param directory the engine's directory; a process can have one engine.
 */
export async function startClickHouseEndpoint(directory: string, port = 0): Promise<ClickHouseEndpoint> {
  const engine = await EmbeddedEngine.open(directory);
  // ClickHouse accepts URIs up to one megabyte (http_max_uri_size), Node only 16 KiB.
  const server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
    void answer(engine, request, response);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      await closeServer(server);
      await engine.close();
    },
  };
}

async function answer(
  engine: EmbeddedEngine,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (request.url === '/ping') {
    response.end('Ok.\n');
    return;
  }
  try {
    const statement = await readRequest(request);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const result = await engine.run(statement, gone.signal);
    const encoding = statement.compressAnswer ? acceptedEncoding(request) : undefined;
    response.writeHead(200, {
      'X-ClickHouse-Query-Id': statement.queryId,
      'X-ClickHouse-Format': statement.format,
      'X-ClickHouse-Timezone': 'UTC',
      ...(encoding && { 'Content-Encoding': encoding }),
    });
    response.end(encoding === undefined ? result : compressors[encoding](result));
  } catch (error) {
    // A request that was cut off is not executed, and its client is disconnected.
    if (request.destroyed && !request.complete) return;
    sendError(response, toEndpointError(error));
  }
}

function sendError(response: ServerResponse, { code, message }: EndpointError): void {
  response.writeHead(httpStatus(code), {
    'Content-Type': 'text/plain; charset=UTF-8',
    'X-ClickHouse-Exception-Code': String(code),
    // The unread rest of the request would be parsed as the next request.
    Connection: 'close',
  });
  response.end(`${message}\n`);
}

const compressors = { gzip: gzipSync, br: brotliCompressSync } as const;

function acceptedEncoding({ headers }: IncomingMessage): 'gzip' | 'br' | undefined {
  const accepted = headers['accept-encoding'] ?? '';
  if (accepted.includes('gzip')) return 'gzip';
  return accepted.includes('br') ? 'br' : undefined;
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
