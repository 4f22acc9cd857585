import { registerBuildInfo } from '@sonde/backbone/metrics/build-info';
import type { Logger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { runCollector } from '@sonde/collector/collector';
import { registerCollectorMetrics } from '@sonde/collector/metrics';
import type { FlowSource } from '@sonde/collector/source/flow-source';
import { assembleEnricher } from '@sonde/enricher/assembly';
import type { ClusterChoice } from '@sonde/enricher/live-cluster';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { createLocalFeed } from '@sonde/query-api/live/feed';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { directPipe, kafkaPipe, type KafkaRoute, type Pipe } from './pipe.js';

export interface EmbeddedOptions {
  /** Clusters with distinct names. */
  readonly clusters: readonly EmbeddedCluster[];
  /** Directory of the embedded store. */
  readonly dataDirectory: string;
  /** A store to use instead of the embedded one; closed at the end. */
  readonly store?: FlowStore | undefined;
  /** A Kafka cluster to use instead of the in-process transport. */
  readonly kafka?: KafkaRoute | undefined;
  /** How long flows wait for pods that the API server has not reported yet, in ms; five seconds if absent. */
  readonly identityTimeoutMs?: number;
  readonly api: { readonly host: string; readonly port: number };
  readonly log: Logger;
  /** Called with the flows of each stored block; their columns are valid only until this returns. */
  onStored?(flows: EnrichedFlows): void;
}

/** A cluster and where its flows come from. */
export interface EmbeddedCluster extends Omit<ClusterChoice, 'isMonitored'> {
  /** The sources of flows, one per node. */
  readonly sources: readonly { readonly node: string; readonly source: FlowSource }[];
}

/** Every service in this process: sources, collectors, transport, enricher, store, query API. */
export interface Embedded {
  /** URL of the API. */
  readonly url: string;
  readonly store: FlowStore;
  /**
   * Resolves when every source has ended and its flows are stored; with Kafka, through which flows of others may come,
   * only after `stop`. Rejects if a part has failed.
   */
  readonly done: Promise<void>;
  /**
   * Resolves when every source has ended and its flows are in the transport, with the number of batches that Kafka did
   * not accept, which the next start delivers. Rejects if a part has failed.
   */
  readonly published: Promise<number>;
  /** Lets the sources report what they hold, stores it, and closes everything. */
  stop(): Promise<void>;
}

/** How long the store may take at the end for batches from Kafka. */
const MAX_STORE_MS = 20_000;

/**
 * Starts every service in this process.
 * @throws StoreError if the data directory is in use or cannot be opened.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { log } = options;
  const registry = new Registry();
  registerBuildInfo(registry);
  const sources = options.clusters.flatMap((cluster) =>
    cluster.sources.map((source) => ({ cluster: cluster.name, ...source })),
  );
  const enricher = assembleEnricher({
    clusters: options.clusters.map(choiceOf),
    identityTimeoutMs: options.identityTimeoutMs,
    ...{ registry, log },
  });
  let store: FlowStore | undefined;
  let pipe: Pipe | undefined;
  try {
    store = options.store ?? (await openChdbStore({ directory: options.dataDirectory, log }));
    await enricher.prepare(store, false);
    pipe = options.kafka
      ? await kafkaPipe(options.kafka, { store, registry, log })
      : await directPipe(store, registry);
    const live = createLocalFeed();
    const api = await startQueryApi({ store, ...options.api, live, registry, log });
    const { publisher } = pipe;
    const observer = registerCollectorMetrics(registry);
    const collectors = sources.map((source) => runCollector({ ...source, publisher, observer }));
    const stored = enricher.run({
      consumer: pipe.consumer,
      store,
      onStored(block) {
        live.publish(block);
        options.onStored?.(block.flows);
      },
    });
    const { published, done } = completion(collectors, stored, pipe);
    const opened = { store, pipe };
    return {
      url: api.url,
      store,
      done,
      published,
      async stop() {
        for (const { source } of sources) source.stop();
        enricher.flush();
        // Batches in Kafka can wait there; batches in memory are stored however long that takes.
        const late = options.kafka && setTimeout(() => enricher.abort(), MAX_STORE_MS);
        await published.catch(() => undefined);
        opened.pipe.endConsuming();
        // `done` reports a failure; here it must not prevent the rest from closing.
        await done.catch(() => undefined);
        clearTimeout(late);
        await enricher.close().catch((error: unknown) => {
          // The next start detects the changes that are missing.
          log.error({ err: error }, 'storing the policy history failed');
        });
        await api.close();
        await opened.store.close();
      },
    };
  } catch (error) {
    // Sources may be running already.
    for (const { source } of sources) source.stop();
    await enricher.close().catch(() => undefined);
    await pipe?.endPublishing();
    await store?.close();
    throw error;
  }
}

/** Only nodes with a source report their own side of a connection. */
function choiceOf({ sources, ...cluster }: EmbeddedCluster): ClusterChoice {
  const monitored = new Set(sources.map(({ node }) => node));
  return { ...cluster, isMonitored: (node) => monitored.has(node) };
}

/** All collectors have ended or one has failed; in either case, published batches are stored afterwards. */
function completion(collectors: readonly Promise<void>[], stored: Promise<void>, pipe: Pipe) {
  const published = (async () => {
    try {
      await Promise.race([Promise.all(collectors), stored]);
    } catch (error) {
      pipe.endConsuming();
      await pipe.endPublishing();
      throw error;
    }
    return await pipe.endPublishing();
  })();
  const done = (async () => {
    try {
      await published;
    } finally {
      await stored;
    }
  })();
  return { published, done };
}
