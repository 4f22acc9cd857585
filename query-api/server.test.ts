import { type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createLogger } from '@sonde/backbone/logging';
import { StoreError } from '@sonde/backbone/store/store';
import { fastify } from 'fastify';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { handleErrors } from './http/errors.js';
import { readyzRoute } from './operations/readyz.js';
import { startQueryApi } from './server.js';
import { stubStore } from '@sonde/test/fixtures/stub-store';
import { answerOfFailingStore, startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';

/** Timeout for asynchronous effects. */
const A_MINUTE = { timeout: 60_000, interval: 5 };

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(() => api.close());

describe('the server', () => {
  it('listens on loopback by default', () => {
    expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('is healthy and ready', async () => {
    expect(await api.get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await api.get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });

  it('counts requests by route, not by path', async () => {
    await api.get('/api/v1/flows?limit=1');
    await api.get('/nothing/here');
    const text = await (await fetch(`${api.url}/metrics`)).text();
    expect(text).toContain(
      'sonde_api_request_duration_seconds_count{method="GET",route="/api/v1/flows",status="200"}',
    );
    expect(text).toContain('route="none",status="404"');
    expect(text).not.toContain('/nothing/here');
  });

  it.each([
    ['GET', '/api/v1/nothing?secret=1', 'there is no resource at /api/v1/nothing'],
    ['GET', '//[', 'there is no resource at //['],
  ])('responds to %s %s with a problem', async (method, target, detail) => {
    const code = 'SONDE_NOT_FOUND';
    expect(await raw(method, target)).toMatchObject({
      status: 404,
      body: { type: `urn:sonde:error:${code}`, title: 'Not found', status: 404, code, detail },
    });
  });

  it.each([
    ['POST', '/api/v1/flows', 'GET'],
    ['GET', '/api/v1/query', 'POST'],
    ['DELETE', '/api/v1/workloads/shop/cart', 'GET'],
    ['TRACE', '/healthz', 'GET'],
    ['OPTIONS', '/api/v1/policies/preview', 'POST'],
  ])('lists the allowed methods in the response to %s %s', async (method, target, allow) => {
    const { status, headers, body } = await raw(method, target);
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow });
    expect(body).toMatchObject({ code: 'SONDE_METHOD_NOT_ALLOWED', status: 405 });
  });

  it('responds to a malformed path with a problem', async () => {
    expect(await raw('GET', '/api/%zz')).toMatchObject({
      status: 400,
      body: { code: 'SONDE_MALFORMED_REQUEST' },
    });
  });
});

/** Sends a request with its target as it is, which fetch would normalize. */
function raw(
  method: string,
  target: string,
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; body: unknown }> {
  const { hostname, port } = new URL(api.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path: target }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

describe('an invalid body is rejected', () => {
  it('with its unknown properties and similar names', async () => {
    const body = { metrics: [{ function: 'count', feild: 'bytes' }], fliter: '' };
    expect((await api.post('/api/v1/query', body)).body['errors']).toEqual([
      { parameter: 'fliter', reason: 'there is no such parameter', nearest: ['filter'] },
      { parameter: 'metrics/0/feild', reason: 'there is no such parameter', nearest: ['field'] },
    ]);
  });

  it('with the names of missing properties', async () => {
    expect((await api.post('/api/v1/query', {})).body['detail']).toBe('metrics: is missing');
    expect((await api.post('/api/v1/query', { metrics: [{}] })).body['detail']).toBe(
      'metrics/0/function: is missing',
    );
    expect((await api.post('/api/v1/query', '[]')).body['detail']).toBe('body: must be object');
  });
});

describe('an invalid number', () => {
  it.each(['1e309', '-1e309', 'Infinity', 'NaN'])('such as %s is rejected', async (limit) => {
    const { status, body } = await api.get(`/api/v1/flows?limit=${limit}`);
    expect({ status, errors: body['errors'] }).toMatchObject({
      status: 400,
      errors: [{ parameter: 'limit' }],
    });
  });
});

describe('a malformed request', () => {
  it.each([
    ['is not HTTP', 'nonsense\r\n\r\n', 400],
    [
      'has headers that are too long',
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(200_000)}\r\n\r\n`,
      431,
    ],
    ['has a malformed path', 'GET /api/%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n', 400],
    ['has no host header', 'GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n', 400],
    [
      'has two host headers',
      'GET /healthz HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      400,
    ],
    [
      'has two authorization headers',
      'GET /healthz HTTP/1.1\r\nhost: localhost\r\nauthorization: a\r\nAuthorization: b\r\nconnection: close\r\n\r\n',
      400,
    ],
  ])('that %s gets a problem document with security headers', async (_what, sent, status) => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write(sent);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/^content-type: application\/problem\+json/im);
    expect(head).toMatch(/^x-content-type-options: nosniff$/im);
    expect(head).toMatch(/^content-security-policy: default-src 'none'/im);
    expect(JSON.parse(body)).toMatchObject({
      type: expect.stringMatching(/^urn:sonde:error:SONDE_/) as string,
      status,
    });
  });
});

describe('a GET route', () => {
  it('does not support HEAD, which would start streams that nobody reads', async () => {
    for (const target of ['/api/v1/flows/live', '/api/v1/dns/live', '/api/v1/flows', '/healthz']) {
      expect((await fetch(api.url + target, { method: 'HEAD' })).status, target).toBe(405);
    }
  });
});

describe('readiness', () => {
  it('is checked once for concurrent requests', async () => {
    const held: (() => void)[] = [];
    const asked = vi.fn(() => new Promise<never[]>((resolve) => held.push(() => resolve([]))));
    const server = fastify();
    readyzRoute(server, stubStore(asked));
    const answers = Array.from({ length: 5 }, () => server.inject('/readyz'));
    await vi.waitUntil(() => held.length > 0, A_MINUTE);
    answers.push(server.inject('/readyz'));
    for (const release of held) release();
    expect((await Promise.all(answers)).map(({ statusCode }) => statusCode)).toEqual(Array(6).fill(200));
    expect(asked).toHaveBeenCalledTimes(1);
  });

  it('fails after a timeout of the store', async () => {
    const server = fastify();
    handleErrors(server);
    readyzRoute(
      server,
      stubStore(() => new Promise(() => undefined)),
      1,
    );
    const answer = await server.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ detail: 'the store does not respond in time' });
  });
});

describe('an internal error', () => {
  it.each(['GET', 'POST'])('of a %s request is logged', async (method) => {
    const log = createLogger('test', 'silent');
    const ofRequests = createLogger('test', 'silent');
    vi.spyOn(log, 'child').mockReturnValue(ofRequests as never);
    const logged = vi.spyOn(ofRequests, 'error');
    const failing = await startQueryApi({
      ...{ port: 0, registry: new Registry(), log },
      store: stubStore(() => Promise.reject(new StoreError('secret table name', { engineCode: 60 }))),
    });
    const asked =
      method === 'GET'
        ? await fetch(`${failing.url}/api/v1/flows`)
        : await fetch(`${failing.url}/api/v1/query`, {
            method,
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ metrics: [{ function: 'count' }] }),
          });
    await failing.close();
    expect(asked.status).toBe(503);
    expect(logged).toHaveBeenCalledWith(
      expect.objectContaining({ err: expect.any(StoreError) as Error }),
      'request failed',
    );
  });
});

describe('when the store', () => {
  it('fails, the API is not ready and reveals no internals', async () => {
    for (const target of ['/readyz', '/api/v1/flows']) {
      const answer = await answerOfFailingStore(
        new StoreError('secret table name', { engineCode: 60 }),
        target,
      );
      expect(answer).toMatchObject({
        status: 503,
        type: 'application/problem+json; charset=utf-8',
        body: { code: 'SONDE_STORE_UNAVAILABLE', detail: 'ClickHouse is not reachable' },
      });
    }
  });

  it.each([
    { what: 'time', engineCode: 159, status: 504, code: 'SONDE_QUERY_TIMEOUT' },
    { what: 'memory', engineCode: 241, status: 422, code: 'SONDE_QUERY_OUT_OF_MEMORY' },
  ])('needs too much $what, the error says what to do', async ({ engineCode, status, code }) => {
    const answer = await answerOfFailingStore(
      new StoreError('Limit exceeded', { engineCode }),
      '/api/v1/flows',
    );
    expect(answer).toMatchObject({
      status,
      body: { code, detail: expect.stringContaining('shorten the time range') as string },
    });
  });

  it('fails unexpectedly, the error has no details', async () => {
    const answer = await answerOfFailingStore(new TypeError('x is not a function'), '/api/v1/flows');
    expect(answer).toMatchObject({
      status: 500,
      body: { code: 'SONDE_INTERNAL', detail: 'internal error; the server log has the cause' },
    });
  });
});

describe('a filter of maximum length', () => {
  it.each(['a', '"', 'é', '日', '😀'])('is accepted in a URL if it consists of %s', async (character) => {
    const start = 'src.name == "';
    const content = character === '"' ? '\\"' : character;
    const filter = `${start}${content.repeat(Math.floor((8192 - start.length - 1) / (content.startsWith('\\') ? 2 : 1)))}"`;
    const { status } = await api.get(`/api/v1/flows?filter=${encodeURIComponent(filter)}`);
    expect(status).toBe(200);
    const tooLong = await api.get(`/api/v1/flows?filter=${encodeURIComponent(`${filter}${' '.repeat(9)}`)}`);
    expect(tooLong.body['errors']).toMatchObject([{ parameter: 'filter' }]);
  });
});

describe('without a token', () => {
  it('a request with a long URL is unauthenticated, not too large', async () => {
    const secured = await startQueryApi({
      ...{ port: 0, registry: new Registry(), log: createLogger('test', 'silent') },
      store: stubStore(() => Promise.resolve([])),
      security: {
        tokens: [{ name: 'ci', sha256: 'ab'.repeat(32), groups: ['ci'] }],
        roles: [{ name: 'ci', groups: ['ci'], rights: ['view'], namespaces: 'all' }],
      },
    });
    const response = await fetch(`${secured.url}/api/v1/flows?filter=${'a'.repeat(100_000)}`);
    await secured.close();
    expect(response.status).toBe(401);
  });
});

describe('the OpenAPI document', () => {
  it('states the limits of this server', async () => {
    const limited = await startQueryApi({
      ...{ port: 0, registry: new Registry(), log: createLogger('test', 'silent') },
      store: stubStore(() => Promise.resolve([])),
      limits: { rows: 77, bodyBytes: 12_345, rangeMs: 3 * 86_400_000 },
    });
    const document = await (await fetch(`${limited.url}/api/v1/openapi.json`)).text();
    await limited.close();
    expect(document).toContain('12345 bytes per request body; 3 days per time range; 77 rows per response');
    const { paths } = JSON.parse(document) as {
      paths: Record<string, { get: { parameters: { name: string; schema: { maximum?: number } }[] } }>;
    };
    const limit = paths['/api/v1/flows']?.get.parameters.find(({ name }) => name === 'limit');
    expect(limit?.schema.maximum).toBe(77);
  });
});
