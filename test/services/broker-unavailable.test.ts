import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { Readiness } from '@sonde/backbone/metrics/readiness';
import { startCollector } from '@sonde/collector/service';
import { OPEN_RESOURCES, type RunningService } from '@sonde/backbone/service/run-service';
import type { ObservedWindow } from '@sonde/collector/source/flow-source';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { observedFlows } from '../builders/observed-flows.js';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startTestClickHouse, type TestClickHouse } from '../clickhouse/server.js';
import { eventually } from '../eventually.js';
import { sondeProgram, TestProcess } from '../faults/processes.js';
import { startTestBroker, type TestBroker } from '../kafka/broker.js';
import { get, said } from './running-service.js';

// A busy machine is slow; no test depends on time.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });
const SOON_MS = 240_000;

let broker: TestBroker;
let clickHouse: TestClickHouse;
let directory: string;

beforeAll(async () => {
  directory = temporaryDirectory('broker-unavailable');
  clickHouse = await startTestClickHouse();
  broker = await startTestBroker();
});

afterAll(async () => {
  await broker.remove();
  await clickHouse.close();
});

it('collector and enricher are ready while Kafka is available, and expose their work as metrics', async () => {
  const readiness = new Readiness();
  const registry = new Registry();
  const collector = await collectorOfWindows(readiness, registry);
  const enricher = new TestProcess(sondeProgram, ['enricher'], {
    SONDE_CLUSTER: 'prod',
    SONDE_KUBERNETES_WATCH: 'false',
    SONDE_KAFKA_BROKERS: broker.addresses.join(','),
    SONDE_KAFKA_PARTITIONS: '3',
    SONDE_KAFKA_SESSION_TIMEOUT: '6s',
    SONDE_CLICKHOUSE_URLS: clickHouse.url,
    SONDE_CLICKHOUSE_USERNAME: clickHouse.username,
    SONDE_CLICKHOUSE_PASSWORD: clickHouse.password,
    SONDE_CLICKHOUSE_DATABASE: clickHouse.database,
    SONDE_MONITORING_HOST: '127.0.0.1',
    SONDE_MONITORING_PORT: '0',
  });
  const monitoring = await eventually(() => said(enricher, 'monitoring'), SOON_MS);
  const untilBoth = async (state: 'ready' | 'not ready') => {
    await expect
      .poll(() => get(`${monitoring}/readyz`), { timeout: SOON_MS })
      .toMatchObject({ body: expect.stringContaining(`"status":"${state}"`) as string });
    const ofCollector = state === 'ready' ? [] : [expect.stringMatching(/^Kafka: /) as string];
    await expect.poll(() => readiness.problems(), { timeout: SOON_MS }).toEqual(ofCollector);
  };
  await untilBoth('ready');
  const metricsOf = async () => (await get(`${monitoring}/metrics`)).body;
  await expect
    .poll(metricsOf, { timeout: SOON_MS })
    .toMatch(/sonde_enricher_stored_records_total\{type="flow"\} [1-9]/);

  await broker.restart('SIGKILL', () => untilBoth('not ready'));
  expect((await get(`${monitoring}/readyz`)).body).toContain('Kafka: ');
  await untilBoth('ready');

  await expect
    .poll(metricsOf, { timeout: SOON_MS })
    .toMatch(/sonde_consumer_lag_messages\{partition="\d"\} \d/);
  const metrics = await metricsOf();
  expect(metrics).toMatch(/sonde_consumer_failures_total [1-9]/);
  expect(metrics).toMatch(/sonde_consumer_bytes_total [1-9]/);
  const ofCollector = await registry.metrics();
  expect(ofCollector).toMatch(/sonde_publisher_failures_total [1-9]/);
  expect(ofCollector).toMatch(/sonde_publisher_sent_bytes_total [1-9]/);
  await collector.stop();
  expect(await enricher.end('SIGTERM')).toBe(0);
  expect(enricher.log).not.toContain(OPEN_RESOURCES);
});

/** A collector with ten flows per second. */
async function collectorOfWindows(readiness: Readiness, registry: Registry): Promise<RunningService> {
  const stopping = new AbortController();
  return await startCollector({
    cluster: 'prod',
    node: 'node-1',
    source: {
      async *windows(): AsyncGenerator<ObservedWindow> {
        while (!stopping.signal.aborted) {
          const time = Date.now();
          yield { ...observedFlows([{ start_time: time, end_time: time }]), counters: new Map() };
          await delay(100);
        }
      },
      stop: () => stopping.abort(),
    },
    connection: { brokers: broker.addresses, clientId: 'test' },
    topics: { partitions: 3, retentionHours: 1 },
    spoolDirectory: path.join(directory, 'spool'),
    maxSpoolBytes: 2 ** 24,
    drainMs: 30_000,
    registry,
    readiness,
    log: createLogger('collector', 'silent'),
  });
}
