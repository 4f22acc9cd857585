import type { Logger } from '@sonde/backbone/logging';
import type { FlowStore, RecordBlock } from '@sonde/backbone/store/store';
import { createInProcessTransport } from '@sonde/backbone/transport/in-process/in-process';
import { contextFromObjects } from '@sonde/enricher/pipeline/context';
import { runEnricher } from '@sonde/enricher/pipeline/enricher';
import { createLocalFeed, type LiveBlock } from '@sonde/query-api/live/feed';
import { syntheticCluster } from '../synthetic/cluster.js';
import { manifestsOf } from '../synthetic/manifests.js';
import { windowBatches } from '../synthetic/traffic.js';

/** The amount of flows that {@link storeClusterFlows} stores. */
export interface ClusterTraffic {
  readonly windows: number;
  /** Open connections per window; two nodes report most of them, so there are nearly twice as many flows. */
  readonly connections: number;
  readonly startMs: number;
}

/** Stores the flows of a cluster of 10,000 pods as an enricher does, window after window. */
export async function storeClusterFlows(
  store: Pick<FlowStore, 'insert'>,
  { windows, connections, startMs }: ClusterTraffic,
  log: Logger,
): Promise<void> {
  const cluster = syntheticCluster();
  const { context } = contextFromObjects(manifestsOf(cluster));
  const transport = createInProcessTransport({ firstOffset: 0, capacity: cluster.nodes.length });
  const enricher = runEnricher({
    consumer: transport,
    store: store as FlowStore,
    contextOf: () => context,
    log,
  });
  for (let window = 0; window < windows; window++) {
    for (const batch of windowBatches(cluster, { window, connections, startMs })) {
      await transport.publish(batch);
    }
  }
  transport.close();
  await enricher;
}

/** The same as blocks for live views, without a store. */
export async function clusterBlocks(traffic: ClusterTraffic, log: Logger): Promise<LiveBlock[]> {
  const feed = createLocalFeed();
  const blocks: LiveBlock[] = [];
  feed.subscribe((block) => blocks.push(block));
  const insert = (block: RecordBlock) => {
    feed.publish(block);
    return Promise.resolve();
  };
  await storeClusterFlows({ insert }, traffic, log);
  return blocks;
}
