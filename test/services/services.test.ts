import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { startTestClickHouse, type TestClickHouse } from '../clickhouse/server.js';
import { eventually } from '../eventually.js';
import { sondeProgram, TestProcess } from '../faults/processes.js';
import { get, said } from './running-service.js';

// A busy machine is slow; no test depends on time.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });
const DEADLINE_MS = 120_000;

let clickHouse: TestClickHouse;
let directory: string;

beforeAll(async () => {
  clickHouse = await startTestClickHouse();
  directory = temporaryDirectory('services');
});

afterAll(async () => {
  await clickHouse.close();
});

it('a service with an invalid configuration reports every problem and exits', async () => {
  const file = path.join(directory, 'wrong.yaml');
  await writeFile(file, 'clickhouse: {urls: []}\napi: {prot: 80}\n');
  const service = new TestProcess(sondeProgram, ['query-api', '--config', file, '--api-port', 'x'], {});
  await eventually(() => {
    if (!service.hasEnded) throw new Error('still runs');
  }, DEADLINE_MS);
  expect(await service.end('SIGTERM')).toBe(2);
  expect(service.log).toContain(`api.prot (${file} line 2): is not a setting of this service`);
  expect(service.log).toContain('api.port (--api-port): must be an integer');
  expect(service.log).toContain(`clickhouse.urls (${file} line 1): must have at least one entry`);
});

it('a service on an address that others can reach starts only if its metrics are protected', async () => {
  const start = (environment: Record<string, string>) =>
    new TestProcess(sondeProgram, ['query-api', '--monitoring-port', '0', '--api-port', '0'], {
      SONDE_MONITORING_HOST: '0.0.0.0',
      SONDE_CLICKHOUSE_URLS: 'http://127.0.0.1:1',
      ...environment,
    });
  const unprotected = start({});
  await eventually(() => expect(unprotected.hasEnded).toBe(true), DEADLINE_MS);
  expect(await unprotected.end('SIGTERM')).toBe(2);
  expect(unprotected.log).toContain('/metrics must be protected: set monitoring.tokenFile');
  const file = path.join(directory, 'token');
  await writeFile(file, 'secret\n');
  const service = start({ SONDE_MONITORING_TOKEN_FILE: file });
  const monitoring = (await eventually(() => said(service, 'monitoring'), DEADLINE_MS)).replace(
    '0.0.0.0',
    '127.0.0.1',
  );
  expect(await get(`${monitoring}/healthz`)).toMatchObject({ status: 200 });
  expect(await get(`${monitoring}/metrics`)).toMatchObject({ status: 401 });
  const authorized = await fetch(`${monitoring}/metrics`, { headers: { authorization: 'Bearer secret' } });
  expect(authorized.status).toBe(200);
  expect(await service.end('SIGTERM')).toBe(0);
});

it('the query API runs on its own: healthy, ready, with metrics, and stops on SIGTERM', async () => {
  const service = new TestProcess(sondeProgram, ['query-api', '--monitoring-port', '0', '--api-port', '0'], {
    SONDE_MONITORING_HOST: '127.0.0.1',
    SONDE_CLICKHOUSE_URLS: clickHouse.url,
    SONDE_CLICKHOUSE_USERNAME: clickHouse.username,
    SONDE_CLICKHOUSE_PASSWORD: clickHouse.password,
    SONDE_CLICKHOUSE_DATABASE: 'default',
  });
  const monitoring = await eventually(() => said(service, 'monitoring'), DEADLINE_MS);
  const api = await eventually(() => said(service, 'url'), DEADLINE_MS);
  await expect
    .poll(() => get(`${monitoring}/readyz`), { timeout: DEADLINE_MS })
    .toMatchObject({ status: 200 });
  expect(await get(`${monitoring}/healthz`)).toMatchObject({ status: 200 });
  expect(await get(`${api}/readyz`)).toMatchObject({ status: 200 });
  expect((await get(`${monitoring}/metrics`)).body).toContain('process_cpu_seconds_total');
  expect(await service.end('SIGTERM')).toBe(0);
});

it('the query API is not ready while ClickHouse is unreachable', async () => {
  const service = new TestProcess(sondeProgram, ['query-api', '--monitoring-port', '0', '--api-port', '0'], {
    SONDE_MONITORING_HOST: '127.0.0.1',
    SONDE_CLICKHOUSE_URLS: 'http://127.0.0.1:1',
  });
  const monitoring = await eventually(() => said(service, 'monitoring'), DEADLINE_MS);
  await expect
    .poll(() => get(`${monitoring}/readyz`), { timeout: DEADLINE_MS })
    .toMatchObject({ status: 503, body: expect.stringContaining('store: connect ECONNREFUSED') as string });
  expect(await service.end('SIGTERM')).toBe(0);
});

it('an enricher waits for Kafka and ClickHouse, reports it, and stops within its shutdown timeout', async () => {
  const nowhere = '127.0.0.1:1';
  const service = new TestProcess(sondeProgram, ['enricher', '--monitoring-port', '0'], {
    SONDE_CLUSTER: 'prod',
    SONDE_KUBERNETES_WATCH: 'false',
    SONDE_MONITORING_HOST: '127.0.0.1',
    SONDE_KAFKA_BROKERS: nowhere,
    SONDE_CLICKHOUSE_URLS: `http://${nowhere}`,
    SONDE_SHUTDOWN_TIMEOUT: '20s',
  });
  const monitoring = await eventually(() => said(service, 'monitoring'), DEADLINE_MS);
  await expect
    .poll(() => get(`${monitoring}/readyz`), { timeout: DEADLINE_MS })
    .toMatchObject({ status: 503, body: expect.stringContaining('store: ') as string });
  expect(await get(`${monitoring}/healthz`)).toMatchObject({ status: 200 });
  expect(await service.end('SIGTERM')).toBe(0);
});

it('a service that cannot finish exits when its shutdown timeout is over', async () => {
  // Accepts every request and never responds.
  const silent = createServer(() => undefined);
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  try {
    const service = new TestProcess(sondeProgram, ['enricher', '--monitoring-port', '0'], {
      SONDE_CLUSTER: 'prod',
      SONDE_KUBERNETES_WATCH: 'false',
      SONDE_MONITORING_HOST: '127.0.0.1',
      SONDE_KAFKA_BROKERS: '127.0.0.1:1',
      SONDE_CLICKHOUSE_URLS: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
      SONDE_CLICKHOUSE_REQUEST_TIMEOUT: '1h',
      SONDE_SHUTDOWN_TIMEOUT: '500ms',
    });
    await once(silent, 'request', { signal: AbortSignal.timeout(DEADLINE_MS) });
    expect(await service.end('SIGTERM')).toBe(1);
    expect(service.log).toContain('shutdown timed out');
  } finally {
    silent.closeAllConnections();
    silent.close();
  }
});
