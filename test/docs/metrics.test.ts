import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { registerBuildInfo } from '@sonde/backbone/metrics/build-info';
import { createLogger } from '@sonde/backbone/logging';
import { createInProcessTransport } from '@sonde/backbone/transport/in-process/in-process';
import { ConsumerMetrics } from '@sonde/backbone/transport/kafka/consumer-metrics';
import { PublisherMetrics } from '@sonde/backbone/transport/spool/publisher-metrics';
import { registerCollectorMetrics, exportedProbeCounters } from '@sonde/collector/metrics';
import { watchCluster } from '@sonde/enricher/live-cluster';
import {
  registerClusterMetrics,
  registerEnricherMetrics,
  registerPendingMetrics,
} from '@sonde/enricher/metrics';
import { registerApiMetrics } from '@sonde/query-api/metrics';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { metricActions } from './metric-actions.js';

const page = path.join(import.meta.dirname, '../../docs/metrics.md');

/** A registry with the metrics of every service, each with a value. */
function everyMetric(): Registry {
  const registry = new Registry();
  registerBuildInfo(registry);
  const observer = registerCollectorMetrics(registry);
  observer.onWindow('node-a', 1, new Map([...exportedProbeCounters].map((name) => [name, 1])));
  new PublisherMetrics(registry).observeSpool(() => ({ waiting: 0, bytes: 0 }));
  new ConsumerMetrics(registry, () => ({ lag: new Map([[0, 1]]), pendingBytes: 0 }));
  createInProcessTransport({ firstOffset: 0, capacity: 1, registry });
  registerEnricherMetrics(registry);
  registerPendingMetrics(registry, { counts: { waiting: 0, settled: 0, givenUp: 0 } } as never);
  registerApiMetrics(registry).onResponse({ method: 'GET', route: '/healthz', status: 200 }, 0.001);
  const choice = { name: 'lab', manifests: [] };
  const cluster = watchCluster(choice, createLogger('test', 'silent'), AbortSignal.abort());
  registerClusterMetrics(registry, new Map([['lab', cluster]]));
  return registry;
}

it('docs/metrics.md lists every metric with what to do when it is wrong', async () => {
  const metrics = await everyMetric().getMetricsAsJSON();
  expect(metrics.map(({ name }) => name).sort()).toEqual(Object.keys(metricActions).sort());
  const rows = metrics.map(({ name, type, help, values }) => {
    const named = Object.keys(values[0]?.labels ?? {}).filter((label) => label !== 'le');
    const labels = named.map((label) => `\`${label}\``);
    return `| \`${name}\` | ${String(type)} | ${labels.join(', ')} | ${help} | ${metricActions[name] ?? ''} |`;
  });
  const text = `# Metric reference

Each service exposes its metrics on \`/metrics\` of \`monitoring.host\` and \`monitoring.port\`; \`sonde up\` exposes all of them
on \`/metrics\` of the API. The metrics of Node (\`process_*\`, \`nodejs_*\`) are not listed.
This page is generated; after a change, regenerate it with \`npx vitest run test/docs -u\`.

| Metric | Type | Labels | Meaning | What to do when it is wrong |
|---|---|---|---|---|
${rows.sort().join('\n')}
`;
  await expect(text).toMatchFileSnapshot(page);
});

it('every metric passes promtool', async ({ skip }) => {
  const result = spawnSync('promtool', ['check', 'metrics'], {
    input: await everyMetric().metrics(),
    encoding: 'utf8',
  });
  if (result.error) return skip(`promtool cannot be run here (${result.error.message})`);
  expect(result.stderr + result.stdout).toBe('');
  expect(result.status).toBe(0);
});
