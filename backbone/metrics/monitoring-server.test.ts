import { Counter, Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MonitoringServer, startMonitoring } from './monitoring-server.js';
import { Readiness } from './readiness.js';

let server: MonitoringServer;
const registry = new Registry();
const readiness = new Readiness();
new Counter({ name: 'sonde_things_total', help: 'Things', registers: [registry] }).inc(3);

beforeEach(async () => {
  server = await startMonitoring({ host: '127.0.0.1', port: 0, registry, readiness });
});

afterEach(() => server.close());

async function get(path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(server.url + path);
  return { status: response.status, body: await response.text() };
}

it('reports healthy while the process runs, and ready when there are no problems', async () => {
  readiness.set('store', 'refused');
  readiness.set('kafka', 'away');
  expect(await get('/healthz')).toEqual({ status: 200, body: '{"status":"ok"}' });
  expect(await get('/readyz')).toEqual({
    status: 503,
    body: '{"status":"not ready","problems":["store: refused","kafka: away"]}',
  });
  readiness.set('store', undefined);
  readiness.set('kafka', undefined);
  expect(await get('/readyz')).toEqual({ status: 200, body: '{"status":"ready"}' });
});

it('runs the registered checks on each readiness request', async () => {
  let problem: string | undefined = 'away';
  readiness.check('broker', () => problem);
  expect((await get('/readyz')).body).toBe('{"status":"not ready","problems":["broker: away"]}');
  problem = undefined;
  expect((await get('/readyz')).status).toBe(200);
});

it('shows the details of components whether the service is ready or not', async () => {
  readiness.describe('cluster lab', () => ({ pods: { state: 'followed' } }));
  const details = { 'cluster lab': { pods: { state: 'followed' } } };
  expect(JSON.parse((await get('/readyz')).body)).toEqual({ status: 'ready', details });
  readiness.set('store', 'refused');
  const notReady = { status: 'not ready', problems: ['store: refused'], details };
  expect(JSON.parse((await get('/readyz')).body)).toEqual(notReady);
  readiness.set('store', undefined);
});

it('requires the token for metrics but not for health checks', async () => {
  const guarded = await startMonitoring({ host: '127.0.0.1', port: 0, registry, readiness, token: 'secret' });
  const status = async (path: string, authorization?: string) =>
    (await fetch(guarded.url + path, authorization === undefined ? {} : { headers: { authorization } }))
      .status;
  try {
    expect(await status('/metrics')).toBe(401);
    expect(await status('/metrics', 'Bearer wrong')).toBe(401);
    expect(await status('/metrics', 'Basic secret')).toBe(401);
    expect(await status('/metrics', 'Bearer secret')).toBe(200);
    expect(await status('/healthz')).toBe(200);
    expect(await status('/readyz')).toBe(200);
  } finally {
    await guarded.close();
  }
});

it('serves metrics in the Prometheus text format and 404 for other paths', async () => {
  expect((await get('/metrics')).body).toContain('sonde_things_total 3');
  expect((await get('/')).status).toBe(404);
});
