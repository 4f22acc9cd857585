import http from 'node:http';
import { answerTimeoutMs, isRefusal } from './connect.js';
import { responseBytesHeader } from './http-server.js';
import type { Resolve } from './resolve.js';
import type { HttpCall, Outcome } from './tasks.js';

/** A function that makes the call's request; over a kept connection it resolves the host only for a new one. */
export function httpCaller(task: HttpCall, resolve: Resolve): () => Promise<Outcome> {
  const agent = new http.Agent({ keepAlive: task.connection === 'keep-alive', maxSockets: 1 });
  const body = Buffer.alloc(task.requestBytes, '.');
  const options: http.RequestOptions = {
    agent,
    host: task.host,
    port: task.port,
    family: task.family,
    method: 'POST',
    headers: { 'content-length': body.length, [responseBytesHeader]: task.responseBytes },
    lookup: (host, _options, done) => {
      resolve(host, task.family).then(
        (address) => done(null, address, task.family),
        (error: unknown) => done(error as NodeJS.ErrnoException, ''),
      );
    },
    ...(task.from === undefined ? {} : { localAddress: task.from }),
  };
  return () => requestOnce(options, body);
}

function requestOnce(options: http.RequestOptions, body: Buffer): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const request = http.request(options, (response) => {
      response.resume();
      response.on('end', () => settle(() => resolve('answered')));
    });
    const timer = setTimeout(() => {
      settle(() => resolve('unanswered'));
      request.destroy();
    }, answerTimeoutMs);
    const settle = (outcome: () => void) => {
      clearTimeout(timer);
      outcome();
    };
    request.on('error', (error) => settle(() => (isRefusal(error) ? resolve('refused') : reject(error))));
    request.end(body);
  });
}
