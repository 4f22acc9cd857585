import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { buffer } from 'node:stream/consumers';
import { Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { EndpointError } from './errors.js';

/** A statement of an HTTP request. */
export interface StatementRequest {
  readonly sql: string;
  /** The data of an INSERT; undefined if the request's body was the statement. */
  readonly data: Uint8Array | undefined;
  /** The format of the result: of the statement, else of the request. */
  readonly format: string;
  readonly database: string;
  readonly queryId: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly settings: Readonly<Record<string, string>>;
  readonly compressAnswer: boolean;
  /** Whether the statement is canceled when its client disconnects. */
  readonly endsWithClient: boolean;
}

/** URL parameters that are not settings of the engine, except `param_*`. */
const own = new Set([
  ...[
    'query',
    'database',
    'query_id',
    'default_format',
    'user',
    'password',
    'role',
    'session_id',
    'session_timeout',
  ],
  ...['enable_http_compression', 'wait_end_of_query', 'send_progress_in_http_headers', 'buffer_size'],
  'cancel_http_readonly_queries_on_client_close',
]);

/**
 * Reads a complete request.
 * @throws EndpointError if it uses an unsupported feature; Error if it is cut off.
 */
export async function readRequest(request: IncomingMessage): Promise<StatementRequest> {
  const { searchParams } = new URL(request.url ?? '/', 'http://endpoint');
  const body = await readBody(request);
  if (searchParams.has('session_id') || (request.headers['content-type'] ?? '').startsWith('multipart/')) {
    throw new EndpointError(48, 'The endpoint knows no sessions and no multipart bodies', 'NOT_IMPLEMENTED');
  }
  const given = searchParams.get('query');
  const sql = (given ?? Buffer.from(body).toString('utf8')).trim();
  const parameters: Record<string, string> = {};
  const settings: Record<string, string> = {};
  for (const [name, value] of searchParams) {
    if (name.startsWith('param_')) parameters[name.slice('param_'.length)] = value;
    else if (!own.has(name)) settings[name] = value;
  }
  return {
    sql,
    data: given === null || body.length === 0 ? undefined : body,
    format: /\sFORMAT\s+(\w+)\s*$/i.exec(sql)?.[1] ?? searchParams.get('default_format') ?? 'TabSeparated',
    database: searchParams.get('database') ?? 'default',
    queryId: searchParams.get('query_id') ?? randomUUID(),
    parameters,
    settings,
    compressAnswer: searchParams.get('enable_http_compression') === '1',
    endsWithClient: searchParams.get('cancel_http_readonly_queries_on_client_close') === '1',
  };
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const encoding = request.headers['content-encoding'];
  if (encoding === undefined) return await buffer(request);
  const decompress = decompressors[encoding];
  if (!decompress)
    throw new EndpointError(89, `Content-Encoding ${encoding} is unknown`, 'UNKNOWN_COMPRESSION_METHOD');
  const chunks: Buffer[] = [];
  const collect = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await pipeline(request, decompress(), collect);
  return Buffer.concat(chunks);
}

const decompressors: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  br: createBrotliDecompress,
};
