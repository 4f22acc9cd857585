import { once } from 'node:events';
import { createLogger } from '@sonde/backbone/logging';
import type { ClickHouseConnection } from '@sonde/backbone/store/clickhouse-servers';
import { openClickHouseStore } from '@sonde/backbone/store/clickhouse-store';
import type { KafkaConnection } from '@sonde/backbone/transport/kafka/connection';
import { createKafkaConsumer } from '@sonde/backbone/transport/kafka/consumer';
import { contextFromObjects } from '@sonde/enricher/context';
import { runEnricher } from '@sonde/enricher/enricher';
import { type CpuMeter, type CpuUse, startCpuMeter } from '../cpu-use.js';
import { syntheticCluster } from '../synthetic-cluster.js';
import { manifestsOf } from '../synthetic-manifests.js';
import { enricherStages } from './stages.js';

/** What an enricher process is to do. */
export interface EnricherTask {
  readonly kafka: KafkaConnection;
  readonly clickHouse: ClickHouseConnection;
  /** It measures when it has stored so many. */
  readonly warmUpFlows: number;
  /** And ends when it has stored so many. */
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
  claim: (partitions) => store.claim(partitions),
  log,
});
let stored = 0;
let begun: { readonly meter: Promise<CpuMeter>; readonly stored: number; readonly ms: number } | undefined;
const observer = {
  onStored({ flows }: { readonly flows: { readonly rows: number } }) {
    stored += flows.rows;
    if (stored >= task.lastFlows) consumer.close();
    else if (!begun && stored >= task.warmUpFlows) {
      begun = { meter: startCpuMeter(enricherStages), stored, ms: performance.now() };
    }
  },
};
await runEnricher({ consumer, store, contextOf: () => context, log, observer });
if (!begun) throw new Error('the flows came in one block: nothing was measured');
const report: EnricherReport = {
  seconds: (performance.now() - begun.ms) / 1000,
  use: await (await begun.meter).end(),
  flows: stored - begun.stored,
  peakMebibytes: process.resourceUsage().maxRSS / 1024,
};
process.send?.(report);
await store.close();
process.disconnect();
