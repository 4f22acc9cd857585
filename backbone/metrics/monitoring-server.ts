import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import type { Readiness } from './readiness.js';

export interface MonitoringOptions {
  readonly host: string;
  /** 0 selects a free port. */
  readonly port: number;
  readonly registry: Registry;
  readonly readiness: Readiness;
  /** The bearer token that `/metrics` requires (RFC 6750); none if absent. */
  readonly token?: string | undefined;
}

export interface MonitoringServer {
  /** The base URL, for example `http://127.0.0.1:9180`. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves `/healthz` (200 while the process runs), `/readyz` (200 if ready, otherwise 503 with the problems) and
 * `/metrics` (Prometheus text format; 401 without the token if there is one).
 * @throws Error with code EADDRINUSE or EACCES if it cannot listen on the address.
 */
export async function startMonitoring(options: MonitoringOptions): Promise<MonitoringServer> {
  const { host, port, registry, readiness, token } = options;
  const server = createServer((request, response) => {
    switch (request.url) {
      case '/healthz':
        sendJson(response, 200, { status: 'ok' });
        break;
      case '/readyz':
        void sendReadiness(response, readiness);
        break;
      case '/metrics':
        if (isAuthorized(request, token)) void sendMetrics(response, registry);
        else sendUnauthorized(response);
        break;
      default:
        sendJson(response, 404, { status: 'not found; available paths: /healthz, /readyz, /metrics' });
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: listening } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${listening}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Compares hashes, which have equal lengths, in constant time. */
function isAuthorized({ headers }: IncomingMessage, token: string | undefined): boolean {
  if (token === undefined) return true;
  const [, given = ''] = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? [];
  const hash = (value: string) => createHash('sha256').update(value).digest();
  return timingSafeEqual(hash(given), hash(token));
}

function sendUnauthorized(response: ServerResponse): void {
  response.setHeader('WWW-Authenticate', 'Bearer');
  sendJson(response, 401, { status: 'the bearer token of monitoring.token is required' });
}

async function sendReadiness(response: ServerResponse, readiness: Readiness): Promise<void> {
  const problems = await readiness.problems();
  const details = readiness.details();
  if (problems.length === 0) sendJson(response, 200, { status: 'ready', details });
  else sendJson(response, 503, { status: 'not ready', problems, details });
}

async function sendMetrics(response: ServerResponse, registry: Registry): Promise<void> {
  try {
    const text = await registry.metrics();
    response.writeHead(200, { 'Content-Type': registry.contentType });
    response.end(text);
  } catch (error) {
    sendJson(response, 500, { status: String(error) });
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(body));
}
