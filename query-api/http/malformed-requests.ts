import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, problemDocument, problemType } from './problem.js';

/**
 * Answers what is no HTTP, or too long or too slow to be looked at, with a problem document, and ends the connection.
 * Such requests come to no route, so the answer is written here as it goes over the wire (RFC 9112 §4).
 */
export function answerMalformed(headers: Readonly<Record<string, string>>) {
  return ({ code }: Error & { readonly code?: string }, socket: Socket): void => {
    if (code !== 'ECONNRESET' && socket.writable) socket.write(answer(problemOf(code), headers));
    socket.destroy();
  };
}

/** What Node's HTTP server says is wrong (https://nodejs.org/api/http.html#event-clienterror). */
function problemOf(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Problem(408, 'the request took too long to arrive');
  if (code === 'HPE_HEADER_OVERFLOW') return new Problem(431, "the request's headers are too long");
  return new Problem(400, 'the request is no HTTP');
}

function answer(problem: Problem, headers: Readonly<Record<string, string>>): string {
  const body = JSON.stringify(problemDocument(problem));
  const lines = Object.entries({
    ...headers,
    'content-type': problemType,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}
