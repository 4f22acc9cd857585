import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { createLogger } from '@sonde/backbone/logging';
import { StoreError } from '@sonde/backbone/store/store';
import { fastify } from 'fastify';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerErrorsWithProblems } from './http/errors.js';
import { readyzRoute } from './routes/readyz.js';
import { startQueryApi } from './server.js';
import { stubStore } from '@sonde/test/fixtures/stub-store';
import { answerOfFailingStore, startTestApi, type TestApi } from '@sonde/test/fixtures/test-api';

/** How long what comes about by itself is waited for. */
const A_MINUTE = { timeout: 60_000, interval: 5 };

let api: TestApi;

beforeAll(async () => {
  api = await startTestApi();
});

afterAll(() => api.close());

describe('the server', () => {
  it('listens on this machine only, if not told otherwise', () => {
    expect(api.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  });

  it('is healthy and ready', async () => {
    expect(await api.get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await api.get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } });
  });

  it('counts requests by route, not by what was asked for', async () => {
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
    ['GET', '/api/v1/nothing?secret=1', 404, 'there is nothing at GET /api/v1/nothing'],
    ['POST', '/api/v1/flows', 404, 'there is nothing at POST /api/v1/flows'],
    ['GET', '//[', 404, 'there is nothing at GET //['],
  ])('answers %s %s with a problem', async (method, target, status, detail) => {
    expect(await raw(method, target)).toEqual({
      status,
      body: { type: 'about:blank', title: 'Not Found', status, detail },
    });
  });

  it('answers an address that is none with a problem', async () => {
    expect(await raw('GET', '/api/%zz')).toMatchObject({ status: 400, body: { title: 'Bad Request' } });
  });
});

/** A request whose target is sent as it stands, which fetch would tidy up. */
function raw(method: string, target: string): Promise<{ status: number | undefined; body: unknown }> {
  const { hostname, port } = new URL(api.url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path: target }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const body: unknown = JSON.parse(Buffer.concat(chunks).toString());
        resolve({ status: response.statusCode, body });
      });
    });
    request.on('error', reject);
    request.end();
  });
}

describe('a wrong body is told', () => {
  it('of what it has too much, with the nearest names there are at that place', async () => {
    const body = { metrics: [{ function: 'count', feild: 'bytes' }], fliter: '' };
    expect((await api.post('/api/v1/query', body)).body['errors']).toEqual([
      { parameter: 'fliter', reason: 'there is no such parameter', nearest: ['filter'] },
      { parameter: 'metrics/0/feild', reason: 'there is no such parameter', nearest: ['field'] },
    ]);
  });

  it('of what it lacks, by name', async () => {
    expect((await api.post('/api/v1/query', {})).body['detail']).toBe('metrics: is missing');
    expect((await api.post('/api/v1/query', { metrics: [{}] })).body['detail']).toBe(
      'metrics/0/function: is missing',
    );
    expect((await api.post('/api/v1/query', '[]')).body['detail']).toBe('body: must be object');
  });
});

describe('a number that is none', () => {
  it.each(['1e309', '-1e309', 'Infinity', 'NaN'])('such as %s is refused', async (limit) => {
    const { status, body } = await api.get(`/api/v1/flows?limit=${limit}`);
    expect({ status, errors: body['errors'] }).toMatchObject({
      status: 400,
      errors: [{ parameter: 'limit' }],
    });
  });
});

describe('what is no HTTP', () => {
  it.each([
    ['is no request', 'nonsense\r\n\r\n', 400],
    [
      'has headers that are too long',
      `GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`,
      431,
    ],
    [
      'has an address that is none',
      'GET /api/%zz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n',
      400,
    ],
  ])('because it %s is answered with a problem, for data only', async (_what, sent, status) => {
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write(sent);
    const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(head).toMatch(/^content-type: application\/problem\+json/im);
    expect(head).toMatch(/^x-content-type-options: nosniff$/im);
    expect(head).toMatch(/^content-security-policy: default-src 'none'/im);
    expect(JSON.parse(body)).toMatchObject({ type: 'about:blank', status });
  });
});

describe('a route that reads', () => {
  it('is not asked by HEAD, which would begin streams that nobody reads', async () => {
    for (const target of ['/api/v1/flows/live', '/api/v1/dns/live', '/api/v1/flows', '/healthz']) {
      expect((await fetch(api.url + target, { method: 'HEAD' })).status, target).toBe(404);
    }
  });
});

describe('readiness', () => {
  it('is asked of the store once for all who want to know at the same time', async () => {
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

  it('is not waited for without end', async () => {
    const server = fastify();
    answerErrorsWithProblems(server);
    readyzRoute(
      server,
      stubStore(() => new Promise(() => undefined)),
      1,
    );
    const answer = await server.inject('/readyz');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toMatchObject({ detail: 'the store takes too long to answer' });
  });
});

describe('a failure', () => {
  it.each(['GET', 'POST'])('of a %s is logged', async (method) => {
    const log = createLogger('test', 'silent');
    const ofRequests = createLogger('test', 'silent');
    vi.spyOn(log, 'child').mockReturnValue(ofRequests as never);
    const told = vi.spyOn(ofRequests, 'error');
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
    expect(told).toHaveBeenCalledWith(
      expect.objectContaining({ err: expect.any(StoreError) as Error }),
      'a request failed',
    );
  });
});

describe('while the store', () => {
  it('does not answer, the API is not ready and tells nothing of the engine', async () => {
    for (const target of ['/readyz', '/api/v1/flows']) {
      const answer = await answerOfFailingStore(
        new StoreError('secret table name', { engineCode: 60 }),
        target,
      );
      expect(answer).toMatchObject({
        status: 503,
        type: 'application/problem+json; charset=utf-8',
        body: { title: 'Service Unavailable', detail: 'ClickHouse is not reachable' },
      });
    }
  });

  it.each([
    { what: 'time', code: 159, status: 504 },
    { what: 'memory', code: 241, status: 422 },
  ])('takes too much $what, the answer says what to do', async ({ code, status }) => {
    const answer = await answerOfFailingStore(
      new StoreError('Limit exceeded', { engineCode: code }),
      '/api/v1/flows',
    );
    expect(answer).toMatchObject({
      status,
      body: { detail: expect.stringContaining('ask for less time') as string },
    });
  });

  it('fails in a way that nobody foresaw, the answer gives no detail', async () => {
    const answer = await answerOfFailingStore(new TypeError('x is not a function'), '/api/v1/flows');
    expect(answer).toMatchObject({ status: 500, body: { detail: 'the server failed' } });
  });
});
