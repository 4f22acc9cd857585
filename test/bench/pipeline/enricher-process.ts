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

/** What an enricher process is to do. */
export interface EnricherTask {
  readonly kafka: KafkaConnection;
  readonly clickHouse: ClickHouseConnection;
  /** When it has stored so many it begins to measure, */
  readonly warmUpFlows: number;
  /** ends that and begins to profile by stages, */
  readonly measuredFlows: number;
  /** and ends. */
  readonly lastFlows: number;
}

export interface EnricherReport {
  /** How many flows were stored while it measured. */
  readonly flows: number;
  readonly use: CpuUse;
  readonly seconds: number;
  /** The most memory that the process had, cluster and all. */
  readonly peakMebibytes: number;
}

/** One enricher as it runs in a cluster, in a process of its own, which waits for its task and reports its costs. */
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
/** How things stood at a moment. */
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
if (!begun || !measured || !profiler) throw new Error('the flows came in few blocks: nothing was measured');
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
