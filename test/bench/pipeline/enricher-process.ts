import { once } from 'node:events';
import { createLogger } from '@sonde/backbone/logging';
import type { ClickHouseConnection } from '@sonde/backbone/store/clickhouse/servers';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse/clickhouse-store';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaConsumer } from '@sonde/backbone/transport/kafka/consumer';
import { contextFromObjects } from '@sonde/enricher/pipeline/context';
import { runEnricher } from '@sonde/enricher/pipeline/enricher';
import { type CpuMeter, cpuSeconds, type CpuUse, startCpuMeter, withStagesOf } from '../measure/cpu-use.js';
import { syntheticCluster } from '../synthetic/cluster.js';
import { manifestsOf } from '../synthetic/manifests.js';
import { enricherStages } from './stages.js';

/** The task of an enricher process. */
export interface EnricherTask {
  readonly kafka: KafkaConnection;
  readonly clickHouse: ClickHouseConnection;
  /** Starts measuring after this many stored flows, */
  readonly warmUpFlows: number;
  /** stops measuring and starts profiling by stage after this many, */
  readonly measuredFlows: number;
  /** and exits after this many. */
  readonly lastFlows: number;
}

export interface EnricherReport {
  /** Flows stored during the measurement. */
  readonly flows: number;
  readonly use: CpuUse;
  readonly seconds: number;
  /** Peak memory of the process, including the cluster. */
  readonly peakMebibytes: number;
}

/** An enricher in a process of its own, which waits for its task and reports its costs. */
const [task] = (await once(process, 'message')) as [EnricherTask];
const log = createLogger('bench', 'warn');
const { context } = contextFromObjects(manifestsOf(syntheticCluster()));
const store = openClickHouseStore({ ...task.clickHouse, log });
await store.migrate();
const consumer = createKafkaConsumer({
  connection: task.kafka,
  group: 'bench',
  acquirePartitions: (partitions) => store.acquirePartitions(partitions),
  log,
});
/** Counters at a point in time. */
const now = () => ({ stored, ms: performance.now(), used: cpuSeconds() });
let stored = 0;
let begun: ReturnType<typeof now> | undefined;
let measured: ReturnType<typeof now> | undefined;
let profiler: Promise<CpuMeter> | undefined;
const observer = {
  onStored({ flows }: { readonly flows: { readonly rows: number } }) {
    stored += flows.rows;
    if (!begun && stored >= task.warmUpFlows) begun = now();
    else if (begun && !measured && stored >= task.measuredFlows) {
      measured = now();
      profiler = startCpuMeter(enricherStages);
    } else if (measured && stored >= task.lastFlows) consumer.close();
  },
};
await runEnricher({ consumer, store, contextOf: () => context, log, observer, reusesMemory: true });
if (!begun || !measured || !profiler) throw new Error('too few blocks of flows: nothing was measured');
const profiled = await (await profiler).end();
const used = {
  threadSeconds: measured.used.threadSeconds - begun.used.threadSeconds,
  processSeconds: measured.used.processSeconds - begun.used.processSeconds,
};
const report: EnricherReport = {
  seconds: (measured.ms - begun.ms) / 1000,
  use: withStagesOf(used, profiled),
  flows: measured.stored - begun.stored,
  peakMebibytes: process.resourceUsage().maxRSS / 1024,
};
process.send?.(report);
await store.close();
process.disconnect();
