import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse/clickhouse-store';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { startTestClickHouse, type TestClickHouse } from '../clickhouse/server.js';
import { SondeProcess } from '../e2e/sonde-process.js';
import { eventually } from '../eventually.js';
import { type TestKafka, useTestKafka } from '../kafka/broker.js';

// A busy machine is slow; no test depends on time.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });
const SOON_MS = 240_000;

let kafka: TestKafka;
let clickHouse: TestClickHouse;
let directory: string;

beforeAll(async () => {
  directory = temporaryDirectory('up-services');
  clickHouse = await startTestClickHouse();
  kafka = await useTestKafka();
});

afterAll(async () => {
  await kafka.remove();
  await clickHouse.close();
});

it.each<[string, readonly ('--kafka' | '--clickhouse')[]]>([
  ['Kafka and ClickHouse', ['--kafka', '--clickhouse']],
  ['Kafka alone', ['--kafka']],
  ['ClickHouse alone', ['--clickhouse']],
])(
  'sonde up with %s returns the same flows after a restart, and says when its sources have ended',
  async (name, flags) => {
    const where = { '--kafka': kafka.addresses.join(','), '--clickhouse': clickHouse.url };
    const commandArguments = [
      ...['up', '--lab', 'storefront', '--port', '0', '--window', '500ms', '--no-table'],
      ...['--data', path.join(directory, name), ...flags.flatMap((flag) => [flag, where[flag]])],
    ];
    const environment = {
      FLOWPROBE: '/nowhere/flowprobe',
      SONDE_KAFKA_PREFIX: `${kafka.prefix}${flags.length}.`,
      SONDE_CLICKHOUSE_DATABASE: clickHouse.database,
      SONDE_CLICKHOUSE_USERNAME: clickHouse.username,
      SONDE_CLICKHOUSE_PASSWORD: clickHouse.password,
    };
    let before = 0;
    for (const time of ['first', 'second']) {
      const sonde = new SondeProcess(commandArguments, environment);
      const flowsFrom = async () => {
        const response = await fetch(
          `${sonde.url}/api/v1/flows?filter=src.workload=='frontend'&limit=1000&from=-1h`,
        );
        return ((await response.json()) as { flows: object[] }).flows.length;
      };
      await eventually(async () => expect(await flowsFrom(), time).toBeGreaterThan(before), SOON_MS);
      before = await flowsFrom();
      await eventually(() => expect(sonde.errors).toContain('All sources have ended'), SOON_MS);
      expect(await sonde.end('SIGINT'), sonde.errors).toBe(0);
    }
    if (!flags.includes('--clickhouse')) return;
    const store = openClickHouseStore({
      ...clickHouse,
      urls: [clickHouse.url],
      log: createLogger('test', 'silent'),
    });
    const [stored] = await store.query<{ flows: string; places: string }>(
      "SELECT count() AS flows, uniqExact(transport_partition, transport_offset) AS places FROM flows WHERE src_workload = 'frontend'",
    );
    await store.close();
    expect(Number(stored?.flows)).toBeGreaterThanOrEqual(before);
    expect(Number(stored?.places)).toBeGreaterThan(1);
  },
);

it('sonde up reports invalid addresses of Kafka and ClickHouse', async () => {
  const sonde = new SondeProcess(['up', '--lab', 'storefront', '--kafka', 'kafka']);
  expect(await sonde.exitCode()).toBe(1);
  expect(sonde.errors).toContain('kafka.brokers (--kafka-brokers): must be host:port, not kafka');
});
