import { createServer, type IncomingMessage, request as sendRequest, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

/** A fault of a request to ClickHouse. */
export type Fault =
  /** The connection closes before anything reaches the server. */
  | { readonly kind: 'refused' }
  /** The request reaches the server after a delay in ms. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** The server executes the request twice, as a proxy that retries may cause. */
  | { readonly kind: 'duplicated' }
  /** Half of the request reaches the server. */
  | { readonly kind: 'cut' }
  /** The server executes the request; the connection closes before the response. */
  | { readonly kind: 'unanswered' }
  /** The server executes the request; the connection closes in the middle of the response body. */
  | { readonly kind: 'cut response' }
  /** The connection closes at once; the request reaches the server when `until` resolves. */
  | { readonly kind: 'late'; readonly until: Promise<unknown> }
  /** An error response; nothing is executed. */
  | { readonly kind: 'error'; readonly code: number; readonly message: string };

export interface FaultProxy {
  readonly url: string;
  /** Injects a fault into the next `times` requests whose statement contains `statement`. */
  fault(fault: Fault, statement: string, times?: number): void;
  /** Removes all faults that have not occurred yet. */
  heal(): void;
  /** Number of requests with a fault. */
  readonly faults: number;
  /** Resolves when no request is in progress on the server, including those whose client is disconnected. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** A proxy in front of a ClickHouse server that injects faults. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  let planned: { fault: Fault; statement: string; times: number }[] = [];
  const underWay = new Set<Promise<unknown>>();
  let faults = 0;

  function planFor(statement: string): Fault | undefined {
    const plan = planned.find((one) => one.times > 0 && statement.includes(one.statement));
    if (!plan) return undefined;
    plan.times--;
    faults++;
    return plan.fault;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const statement = new URL(request.url ?? '/', target).searchParams.get('query') ?? body.toString('utf8');
    const fault = planFor(statement);
    switch (fault?.kind) {
      case 'refused':
        response.destroy();
        return;
      case 'cut':
        response.destroy();
        follow(forwardHalf(target, request, body));
        return;
      case 'unanswered':
        await forward(target, request, body);
        response.destroy();
        return;
      case 'duplicated':
        await forward(target, request, body);
        break;
      case 'cut response': {
        const { status, headers, body: result } = await forward(target, request, body);
        response.writeHead(status, { ...headers, 'content-length': String(result.length + 1) });
        response.write(result.subarray(0, result.length / 2), () => response.destroy());
        return;
      }
      case 'late':
        response.destroy();
        follow(fault.until.then(() => forward(target, request, body)));
        return;
      case 'error':
        response.writeHead(500, { 'X-ClickHouse-Exception-Code': String(fault.code) });
        response.end(`Code: ${fault.code}. DB::Exception: ${fault.message}. (FAULT) (version of the test)\n`);
        return;
      case 'slow':
        await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
        break;
      case undefined:
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const answer = await forward(target, request, body, gone.signal);
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  }

  function follow(work: Promise<unknown>): void {
    const ended = work.catch(() => undefined).finally(() => underWay.delete(ended));
    underWay.add(ended);
  }

  const server = createServer({ maxHeaderSize: 1 << 20 }, (request, response) => {
    // If forwarding fails, the client sees a closed connection.
    follow(handle(request, response).catch(() => response.destroy()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fault: (fault, statement, times = 1) => void planned.push({ fault, statement, times }),
    heal: () => (planned = []),
    get faults() {
      return faults;
    },
    async settled() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

function forward(
  target: string,
  request: IncomingMessage,
  body: Buffer,
  gone?: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const forwarded = sendRequest(
      new URL(request.url ?? '/', target),
      { method: request.method, headers: plainHeaders(request, body.length), signal: gone },
      (answer) => {
        buffer(answer).then(
          (answered) =>
            resolve({
              status: answer.statusCode ?? 500,
              headers: withoutFraming(answer.headers),
              body: answered,
            }),
          reject,
        );
      },
    );
    forwarded.once('error', reject);
    forwarded.end(body);
  });
}

/** Declares the length of the whole body, sends half of it and closes the connection. */
function forwardHalf(target: string, request: IncomingMessage, body: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const forwarded = sendRequest(new URL(request.url ?? '/', target), {
      method: request.method,
      headers: plainHeaders(request, body.length),
    });
    forwarded.once('error', () => resolve());
    forwarded.once('close', () => resolve());
    forwarded.write(body.subarray(0, body.length / 2), () => forwarded.destroy());
  });
}

function plainHeaders({ headers }: IncomingMessage, length: number): Headers {
  return { ...withoutFraming(headers), 'content-length': String(length), connection: 'close' };
}

type Headers = NodeJS.Dict<string | string[]>;

/** Headers about the transfer of a body do not apply once the body was read and is sent again. */
function withoutFraming(headers: Headers): Headers {
  const framing = new Set(['transfer-encoding', 'content-length', 'connection']);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !framing.has(name)));
}
