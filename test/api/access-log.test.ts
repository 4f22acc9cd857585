import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { bearer, security, startApi } from '../fixtures/secured-api.js';
import pino from 'pino';
import { afterEach, expect, it, vi } from 'vitest';

vi.setConfig({ testTimeout: 60_000 });

/** A logger whose lines are kept, as text and parsed. */
function recordingLog() {
  const stream = new PassThrough();
  let text = '';
  stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const lines = () =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { log: pino({ level: 'info' }, stream), lines, text: () => text, next: () => once(stream, 'data') };
}

const logged = recordingLog();

afterEach(() => vi.restoreAllMocks());

const rows = [{ value: 'shop' }, { value: 'cart' }];

it('names who requested what, from where, how long it took and how many rows were returned', async () => {
  const url = await startApi({ security, log: logged.log }, () => Promise.resolve(rows as never[]));
  const line = logged.next();
  const target = '/api/v1/fields/src.namespace/values?from=-1h&limit=2&filter=dst.port%20%3D%3D%20443';
  await (await fetch(url + target, bearer('shop-token'))).text();
  await line;
  expect(logged.lines().at(-1)).toMatchObject({
    level: 30,
    msg: 'request',
    subject: 'token:shop',
    remoteAddress: '127.0.0.1',
    method: 'GET',
    route: '/api/v1/fields/:field/values',
    parameters: { field: 'src.namespace', from: '-1h', limit: 2, filter: 'dst.port == 443' },
    status: 200,
    durationMs: expect.any(Number) as number,
    rows: 2,
    time: expect.any(Number) as number,
    reqId: expect.any(String) as string,
  });
});

it('contains no tokens, manifests or undeclared parameters', async () => {
  const url = await startApi({ security, log: logged.log });
  for (const [target, token] of [
    ['/api/v1/flows?access_token=shop-token', 'wrong-token'],
    ['/api/v1/flows?access_token=shop-token', 'shop-token'],
    ['/nothing?token=shop-token', 'shop-token'],
  ] as const) {
    const line = logged.next();
    await fetch(url + target, bearer(token));
    await line;
  }
  const line = logged.next();
  await fetch(`${url}/api/v1/policies/preview`, {
    method: 'POST',
    headers: { ...bearer('shop-token').headers, 'content-type': 'application/json' },
    body: JSON.stringify({ cluster: 'lab', manifests: 'secret-manifest', filter: 'x'.repeat(5000) }),
  });
  await line;
  expect(logged.text()).not.toMatch(/shop-token|wrong-token|secret-manifest|x{501}/);
  expect(logged.lines().slice(-4)).toMatchObject([
    { status: 401 },
    { status: 400, subject: 'token:shop' },
    { status: 404, route: 'none' },
    { status: 400, parameters: { cluster: 'lab' } },
  ]);
});

it('contains health checks at level debug only', async () => {
  const url = await startApi({ security, log: logged.log });
  const before = logged.lines().length;
  await fetch(`${url}/healthz`);
  const line = logged.next();
  await fetch(`${url}/api/v1/whoami`, bearer('shop-token'));
  await line;
  expect(logged.lines()).toHaveLength(before + 1);
});
