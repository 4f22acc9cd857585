import { once } from 'node:events';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { Readiness } from '@sonde/backbone/metrics/readiness';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse/clickhouse-store';
import { startCollector } from '@sonde/collector/service';
import type { RunningService } from '@sonde/backbone/service/run-service';
import type { ObservedWindow } from '@sonde/collector/source/flow-source';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { type ObservedFlowRow, observedFlows } from '../builders/observed-flows.js';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startTestClickHouse, type TestClickHouse } from '../clickhouse/server.js';
import { eventually } from '../eventually.js';
import { sondeProgram, TestProcess } from '../faults/processes.js';
import { type TestKafka, useTestKafka } from '../kafka/broker.js';
import { buildPod } from '../builders/pod.js';
import { BUILT_IN_PATHS, FakeApiServer } from '../kubernetes/fake-api-server.js';
import { writeKubeConfig } from '../kubernetes/kube-config-file.js';

// A busy machine is slow; no test depends on time.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 300_000 });
const SOON_MS = 240_000;

/** Clusters whose pods have equal addresses, on nodes of equal names. No enricher watches `south`. */
const FOLLOWED = ['east', 'west'] as const;
const CLUSTERS = [...FOLLOWED, 'south'] as const;
const [SHARED, ONLY_EAST, ONLY_WEST] = ['10.1.0.1', '10.1.0.2', '10.1.0.3'] as const;

let kafka: TestKafka;
let clickHouse: TestClickHouse;
let directory: string;
const servers = new Map(FOLLOWED.map((name) => [name, new FakeApiServer(BUILT_IN_PATHS)] as const));

beforeAll(async () => {
  directory = temporaryDirectory('two-clusters');
  clickHouse = await startTestClickHouse();
  kafka = await useTestKafka();
  for (const server of servers.values()) await server.start();
});

afterAll(async () => {
  for (const server of servers.values()) await server.stop();
  await kafka.remove();
  await clickHouse.close();
});

it('an enricher attributes the flows of each cluster to the pods of that cluster', async () => {
  const startMs = Math.floor(Date.now() / 1000) * 1000 - 10_000;
  for (const [name, server] of servers) {
    const put = (pod: string, ip: string) =>
      server.put('/api/v1/pods', buildPod({ name: pod, ip, startMs, labels: { in: name } }));
    put(`pod-of-${name}`, SHARED);
    put(`only-${name}`, name === 'east' ? ONLY_EAST : ONLY_WEST);
  }
  const enricher = await startEnricher();
  const rows = [SHARED, ONLY_EAST, ONLY_WEST].map((src_ip): ObservedFlowRow => ({
    ...{ src_ip, dst_ip: '198.51.100.1', dst_port: 443, protocol: 6, reporter: 'src' },
    ...{ start_time: startMs + 1000, end_time: startMs + 1000 },
  }));
  const collectors = await Promise.all(CLUSTERS.map((name) => collectorOf(name, rows)));
  const store = openClickHouseStore({ ...clickHouse, urls: [clickHouse.url], log: silent() });
  const named = (cluster: string, address: string, pod: string) => ({
    ...{
      cluster,
      address,
      pod: pod === '' ? '' : `shop/${pod}`,
      labels: pod === '' ? '' : `app=web,in=${cluster}`,
    },
  });
  await eventually(async () => {
    const stored = await store.query(
      `SELECT cluster, replaceOne(toString(src_ip), '::ffff:', '') AS address,
         if(src_name = '', '', concat(src_namespace, '/', src_name)) AS pod, src_labels AS labels
       FROM flows ORDER BY cluster, address`,
    );
    expect(stored).toEqual([
      named('east', SHARED, 'pod-of-east'),
      named('east', ONLY_EAST, 'only-east'),
      named('east', ONLY_WEST, ''),
      ...[SHARED, ONLY_EAST, ONLY_WEST].map((address) => named('south', address, '')),
      named('west', SHARED, 'pod-of-west'),
      named('west', ONLY_EAST, ''),
      named('west', ONLY_WEST, 'only-west'),
    ]);
  }, SOON_MS);
  await store.close();
  expect(enricher.log).toMatch(/"cluster":"south".*not watched/);
  for (const collector of collectors) await collector.stop();
  expect(await enricher.end('SIGTERM')).toBe(0);
});

async function startEnricher(): Promise<TestProcess> {
  const [own, other] = await Promise.all(
    [...servers].map(([name, { url }]) => {
      const cluster = { server: url, 'insecure-skip-tls-verify': true };
      return writeKubeConfig(directory, { cluster, user: { token: 'any' } }, name);
    }),
  );
  return new TestProcess(sondeProgram, ['enricher'], {
    ...{ SONDE_CLUSTER: 'east', SONDE_KUBERNETES_KUBECONFIG: own },
    SONDE_KUBERNETES_OTHER_CLUSTERS: `west=${other ?? ''}`,
    SONDE_KAFKA_BROKERS: kafka.addresses.join(','),
    SONDE_KAFKA_PREFIX: kafka.prefix,
    SONDE_KAFKA_PARTITIONS: '3',
    SONDE_CLICKHOUSE_URLS: clickHouse.url,
    SONDE_CLICKHOUSE_USERNAME: clickHouse.username,
    SONDE_CLICKHOUSE_PASSWORD: clickHouse.password,
    SONDE_CLICKHOUSE_DATABASE: clickHouse.database,
    SONDE_MONITORING_HOST: '127.0.0.1',
    SONDE_MONITORING_PORT: '0',
  });
}

/** A collector on a node of a cluster that publishes some flows once. */
async function collectorOf(cluster: string, rows: readonly ObservedFlowRow[]): Promise<RunningService> {
  const stopping = new AbortController();
  return await startCollector({
    ...{ cluster, node: 'node-1' },
    source: {
      async *windows(): AsyncGenerator<ObservedWindow> {
        yield { ...observedFlows(rows), counters: new Map() };
        if (!stopping.signal.aborted) await once(stopping.signal, 'abort');
      },
      stop: () => stopping.abort(),
    },
    connection: { brokers: kafka.addresses, prefix: kafka.prefix, clientId: 'test' },
    topics: { partitions: 3, retentionHours: 1 },
    spoolDirectory: path.join(directory, `spool-${cluster}`),
    maxSpoolBytes: 2 ** 24,
    drainMs: 30_000,
    ...{ registry: new Registry(), readiness: new Readiness(), log: silent() },
  });
}

function silent() {
  return createLogger('test', 'silent');
}
