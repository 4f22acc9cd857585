import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What a small server says: an object as JSON, a text as a stream of server-sent events, which then ends. */
export interface Reply {
  readonly status: number;
  readonly body: object | string;
}

/** Answers a request, `GET /path`, by what it is told. */
export type Answer = (
  request: string,
  form: URLSearchParams,
  headers: IncomingMessage['headers'],
) => Reply | Promise<Reply>;

/** A server of a few answers, to test its clients with. */
export interface SmallServer {
  readonly url: string;
  /** What it was asked so far, each with the token that was shown. */
  readonly asked: string[];
  answer: Answer;
  close(): Promise<void>;
}

/** Starts a server on loopback, which has nothing until it is given an answer. */
export async function startSmallServer(): Promise<SmallServer> {
  const http = createServer((request, response) => {
    void text(request).then(async (body) => {
      const what = `${request.method ?? ''} ${request.url ?? ''}`;
      small.asked.push(`${what} ${request.headers.authorization ?? 'nobody'}`);
      const { status, body: told } = await small.answer(what, new URLSearchParams(body), request.headers);
      const isStream = typeof told === 'string';
      const type =
        status >= 400 ? 'application/problem+json' : isStream ? 'text/event-stream' : 'application/json';
      response.writeHead(status, { 'content-type': type }).end(isStream ? told : JSON.stringify(told));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const small: SmallServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    asked: [],
    answer: () => ({ status: 404, body: {} }),
    async close() {
      const closed = new Promise((resolve) => http.close(resolve));
      http.closeAllConnections();
      await closed;
    },
  };
  return small;
}

/** An answer that all is well. */
export const ok = (body: object | string): Reply => ({ status: 200, body });
