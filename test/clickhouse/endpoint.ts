import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { EmbeddedEngine } from './engine.js';
import { EndpointError, httpStatus, toEndpointError } from './errors.js';
import { readRequest } from './request.js';

export interface ClickHouseEndpoint {
  /** Where it answers, for example `http://127.0.0.1:8123`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * A stand-in for a ClickHouse server, for tests: the HTTP interface (https://clickhouse.com/docs/interfaces/http) over
 * chDB, so the engine and its SQL are ClickHouse's own while the server around them is not. It knows POST and GET with
 * `query`, `param_*`, `database`, `query_id` and settings, request and answer compression by gzip and Brotli,
 * `/ping`, error numbers and statuses, KILL QUERY, and queries that end when their client goes. It does not know users,
 * sessions, multipart bodies, progress headers, replication or clusters.
 * @param directory where the engine keeps its files; an engine and a directory serve one process.
 */
export async function startClickHouseEndpoint(directory: string, port = 0): Promise<ClickHouseEndpoint> {
  const engine = await EmbeddedEngine.open(directory);
  // ClickHouse takes addresses up to a megabyte (http_max_uri_size); Node 16 KiB.
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
    // Of a request that was cut off nothing is done, and nobody is left to be told.
    if (request.destroyed && !request.complete) return;
    sendError(response, toEndpointError(error));
  }
}

function sendError(response: ServerResponse, { code, message }: EndpointError): void {
  response.writeHead(httpStatus(code), {
    'Content-Type': 'text/plain; charset=UTF-8',
    'X-ClickHouse-Exception-Code': String(code),
    // What was not read of the request would be taken for the next one.
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
