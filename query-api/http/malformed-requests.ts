import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, PROBLEM_MEDIA_TYPE, problemDocument } from './problem.js';

/**
 * Handles requests that Node's HTTP server cannot parse, or that are too long or too slow: sends a problem document and
 * closes the connection. Such requests reach no route, so the response is written to the socket (RFC 9112 §4).
 */
export function malformedRequestHandler(headers: Readonly<Record<string, string>>) {
  return ({ code }: Error & { readonly code?: string }, socket: Socket): void => {
    if (code !== 'ECONNRESET' && socket.writable) socket.write(response(problemOf(code), headers));
    socket.destroy();
  };
}

/** The problem by the error code of Node's HTTP server (https://nodejs.org/api/http.html#event-clienterror). */
function problemOf(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Problem('SONDE_REQUEST_TIMEOUT', 'the request took too long to arrive');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem('SONDE_HEADERS_TOO_LARGE', 'the request line and headers are too long');
  }
  return new Problem('SONDE_MALFORMED_REQUEST', 'the request is not valid HTTP');
}

function response(problem: Problem, headers: Readonly<Record<string, string>>): string {
  const body = JSON.stringify(problemDocument(problem));
  const lines = Object.entries({
    ...headers,
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}
