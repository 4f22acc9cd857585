import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import type { ClickHouseConnection } from '@sonde/backbone/store/clickhouse/servers';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaPublisher } from '@sonde/backbone/transport/kafka/producer';
import { defaultTopics, kafkaNames } from '@sonde/backbone/transport/kafka/topics';
import {
  createSpooledPublisher,
  type SpooledPublisher,
} from '@sonde/backbone/transport/spool/spooled-publisher';
import { eventually } from '../../eventually.js';
import { startTestBroker } from '../../kafka/broker.js';
import { addedUp, type CpuUse, printStages, startCpuMeter } from '../measure/cpu-use.js';
import { inTemporaryDirectory } from '../measure/temporary-directory.js';
import { syntheticCluster } from '../synthetic/cluster.js';
import { windowBatches } from '../synthetic/traffic.js';
import type { EnricherReport, EnricherTask } from './enricher-process.js';
import { collectorStages } from './stages.js';

const WINDOWS = 10;
/** Five seconds of 30,000 connections per second; two nodes report most of them. */
const CONNECTIONS_A_WINDOW = 150_000;
/**
 * The measured share of the flows: after the enricher's code is compiled and its caches are filled, and while as many
 * messages wait at the end as at the beginning. Afterwards it is profiled.
 */
const MEASURED = { from: 0.3, to: 0.7, profiledTo: 0.9 };
const START_MS = Date.parse('2026-03-01T10:00:00Z');
const SPOOL_BYTES = 2 ** 31;
const MAX_DELIVERY_MS = 120_000;

/**
 * The distributed pipeline with every service in a process of its own: flows of 10,000 pods through a collector's
 * publisher into Kafka, then from Kafka through one enricher into ClickHouse (the endpoint of the tests, unless
 * CLICKHOUSE_URL is set). "Per core" means per second of CPU time of the measured process; the enricher is measured after
 * a warm-up.
 */
export async function distributed(): Promise<Record<string, number>> {
  const broker = await startTestBroker();
  const store = startProcess('store-process.js');
  const reachable = messageOf<ClickHouseConnection>(store);
  try {
    const kafka = { brokers: [...broker.addresses], clientId: 'bench', prefix: broker.prefix };
    const published = await publish(kafka);
    const kafkaBytes = await bytesIn(broker.directory, kafkaNames(kafka).flows);
    const clickHouse = await reachable;
    const { flows } = published;
    const report = await enrichAll({
      ...{ kafka, clickHouse, warmUpFlows: flows * MEASURED.from },
      ...{ measuredFlows: flows * MEASURED.to, lastFlows: flows * MEASURED.profiledTo },
    });
    const secondsPerFlow = report.use.processSeconds / report.flows;
    return {
      'pipeline.collectorToKafkaFlowsPerCoreSecond': flows / published.use.processSeconds,
      'pipeline.kafkaBytesPerFlow': kafkaBytes / flows,
      'pipeline.kafkaToStoreFlowsPerCoreSecond': 1 / secondsPerFlow,
      'pipeline.kafkaToStoreCpuSecondsPerMillionFlows': secondsPerFlow * 1e6,
      'pipeline.kafkaToStoreFlowsPerSecond': report.flows / report.seconds,
      'pipeline.peakMebibytes': report.peakMebibytes,
    };
  } finally {
    await endProcess(store);
    await broker.remove();
  }
}

/** Publishes all windows as a collector does; the measurement excludes generating the flows. */
function publish(connection: KafkaConnection): Promise<{ use: CpuUse; flows: number }> {
  return inTemporaryDirectory('spool', (directory) => publishThrough(directory, connection));
}

async function publishThrough(
  directory: string,
  connection: KafkaConnection,
): Promise<{ use: CpuUse; flows: number }> {
  const log = createLogger('bench', 'warn');
  const sink = createKafkaPublisher({ connection, topics: defaultTopics, log });
  const publisher = await createSpooledPublisher(sink, { directory, maxBytes: SPOOL_BYTES, log });
  const cluster = syntheticCluster();
  const uses: CpuUse[] = [];
  let flows = 0;
  try {
    for (let window = 0; window < WINDOWS; window++) {
      const shape = { window, connections: CONNECTIONS_A_WINDOW, startMs: START_MS };
      const batches = windowBatches(cluster, shape);
      const meter = await startCpuMeter(collectorStages);
      for (const batch of batches) await publisher.publish(batch);
      await eventually(() => assertDelivered(publisher), MAX_DELIVERY_MS);
      uses.push(await meter.end());
      flows += batches.reduce((sum, { rows }) => sum + rows, 0);
    }
  } finally {
    await publisher.close(0);
  }
  const use = addedUp(uses);
  printStages('collector to Kafka', use, flows);
  return { use, flows };
}

function assertDelivered({ waiting }: SpooledPublisher): void {
  if (waiting > 0) throw new Error(`Kafka did not acknowledge ${waiting} messages`);
}

async function enrichAll(task: EnricherTask): Promise<EnricherReport> {
  const enricher = startProcess('enricher-process.js');
  try {
    enricher.send(task);
    const report = await messageOf<EnricherReport>(enricher);
    printStages('Kafka to store', report.use, report.flows);
    return report;
  } finally {
    await endProcess(enricher);
  }
}

function startProcess(script: string): ChildProcess {
  return fork(new URL(script, import.meta.url));
}

/** The next message of a process. */
async function messageOf<Message>(child: ChildProcess): Promise<Message> {
  const ended = new AbortController();
  child.once('exit', (code) => {
    ended.abort(new Error(`${child.spawnargs.join(' ')} ended with ${String(code)}`));
  });
  const [message] = (await once(child, 'message', { signal: ended.signal })) as [Message];
  return message;
}

/** Stops a process and waits for its exit. */
async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  // The process may already be exiting.
  if (child.connected) child.send('end', () => undefined);
  await exit;
}

/** The size of a topic's data on the broker in bytes, compressed as received. */
async function bytesIn(directory: string, topic: string): Promise<number> {
  const names = await readdir(directory, { recursive: true });
  const logs = names.filter((name) => name.includes(`${topic}-`) && name.endsWith('.log'));
  const sizes = await Promise.all(logs.map(async (name) => (await stat(path.join(directory, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
