import { request as httpRequest } from 'node:http';
import { StoreError } from '@sonde/backbone/store/store';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOfFailingStore, startTestApi, type TestApi } from './testing/test-api.js';

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

describe('while the store', () => {
  it('does not answer, the API is not ready and tells nothing of the engine', async () => {
    for (const target of ['/readyz', '/api/v1/flows']) {
      const answer = await answerOfFailingStore(new StoreError('secret table name', { code: 60 }), target);
      expect(answer).toMatchObject({
        status: 503,
        type: 'application/problem+json; charset=utf-8',
        body: { title: 'Service Unavailable', detail: 'the store does not answer' },
      });
    }
  });

  it.each([
    { what: 'time', code: 159, status: 504 },
    { what: 'memory', code: 241, status: 422 },
  ])('takes too much $what, the answer says what to do', async ({ code, status }) => {
    const answer = await answerOfFailingStore(new StoreError('Limit exceeded', { code }), '/api/v1/flows');
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
