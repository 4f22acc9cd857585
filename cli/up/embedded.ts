import type { Logger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { runCollector } from '@sonde/collector/collector';
import type { FlowSource } from '@sonde/collector/source';
import type { LiveContext } from '@sonde/enricher/context';
import { runEnricher } from '@sonde/enricher/enricher';
import { PendingAddresses } from '@sonde/enricher/pending';
import { warmDomains } from '@sonde/enricher/warm-domains';
import type { EnrichedFlows } from '@sonde/model/batch/batch';
import { createLocalFeed } from '@sonde/query-api/live/feed';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { clusterMetrics, pendingMetrics } from '../services/cluster-metrics.js';
import { type ClusterChoice, followChosenCluster, soonReady } from '../services/followed-cluster.js';
import { collectorMetrics, enricherMetrics } from '../services/pipeline-metrics.js';
import { directPipe, kafkaPipe, type KafkaRoute, type Pipe } from './pipe.js';

export interface EmbeddedOptions {
  /** Clusters of different names. */
  readonly clusters: readonly EmbeddedCluster[];
  /** Where the store of this process keeps its files. */
  readonly dataDirectory: string;
  /** A store that is elsewhere, instead of one in this process. Closed at the end. */
  readonly store?: FlowStore | undefined;
  /** A Kafka for flows to go through, instead of this process's memory. */
  readonly kafka?: KafkaRoute | undefined;
  /** How long flows wait at most for pods that an API server has not told of yet, in ms; five seconds if absent. */
  readonly waitMs?: number;
  readonly api: { readonly host: string; readonly port: number };
  readonly log: Logger;
  /** Called with each block of flows once it is in the store. Its columns hold only until this returns. */
  onStored?(flows: EnrichedFlows): void;
}

/** A cluster whose flows are stored under its name. */
export interface EmbeddedCluster extends Omit<ClusterChoice, 'isMonitored'> {
  /** The nodes whose flows are collected, each from its source. */
  readonly sources: readonly { readonly node: string; readonly source: FlowSource }[];
}

/** Every service in this process: sources, collectors, transport, enricher, store, query API. */
export interface Embedded {
  /** Where the API answers. */
  readonly url: string;
  readonly store: FlowStore;
  /**
   * Resolves when every source has ended and its flows are stored; with Kafka, through which flows of others may come,
   * only after `stop`. Rejects if a part has failed.
   */
  readonly done: Promise<void>;
  /** Lets the sources report what they hold, stores it, and closes everything. */
  stop(): Promise<void>;
}

/** How long the store may take at the end for what comes from Kafka, too. */
const LONGEST_STORING_MS = 20_000;

/**
 * Starts the embedded pipeline.
 * @throws StoreError if the data directory is in use or cannot be opened.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { log } = options;
  const stopping = new AbortController();
  const hurry = new AbortController();
  const giveUp = new AbortController();
  const sources = options.clusters.flatMap((cluster) =>
    cluster.sources.map((source) => ({ cluster: cluster.name, ...source })),
  );
  const clusters = new Map(
    options.clusters.map((cluster) => [cluster.name, follow(cluster, log, stopping.signal)] as const),
  );
  const contextOf = (name: string): LiveContext => {
    const cluster = clusters.get(name);
    if (!cluster) throw new RangeError(`there is no cluster ${name}`);
    return cluster.context;
  };
  let store: FlowStore | undefined;
  let pipe: Pipe | undefined;
  try {
    await soonReady(Promise.all([...clusters.values()].map(({ followed }) => followed.ready)), log);
    store = options.store ?? (await openChdbStore({ directory: options.dataDirectory, log }));
    await store.migrate();
    for (const [name, { context }] of clusters) await warmDomains(store, name, context);
    const registry = new Registry();
    const flowing = options.kafka
      ? await kafkaPipe(options.kafka, { store, registry, log })
      : await directPipe(store, registry);
    pipe = flowing;
    const collectorObserver = collectorMetrics(registry);
    const stored = enricherMetrics(registry);
    clusterMetrics(registry, clusters);
    const live = createLocalFeed();
    const api = await startQueryApi({ store, ...options.api, live, registry, log });

    const pending = new PendingAddresses({
      // Manifests tell of pods before they are there, a cluster a moment after.
      clusterOf: (name) => (clusters.get(name)?.isLive === true ? contextOf(name).cluster : undefined),
      ...(options.waitMs === undefined ? {} : { waitMs: options.waitMs }),
      signal: hurry.signal,
    });
    pendingMetrics(registry, pending);
    const collectors = sources.map(({ cluster, node, source }) =>
      runCollector({
        cluster,
        node,
        source,
        publisher: flowing.publisher,
        observer: collectorObserver,
      }),
    );
    const enricher = runEnricher({
      pending,
      consumer: flowing.consumer,
      store,
      contextOf,
      log,
      signal: giveUp.signal,
      // Live views copy what they show later, and `onStored` is done with a block when it returns.
      reusesMemory: true,
      observer: {
        onStored(block) {
          stored.onStored(block);
          live.publish(block);
          options.onStored?.(block.flows);
        },
        onRetry: () => stored.onRetry(),
      },
    }).catch((error: unknown) => {
      if (!giveUp.signal.aborted) throw error;
    });
    const { published, done } = finished(collectors, enricher, flowing);
    const opened = store;
    const kept = [...clusters.values()].map(async ({ history, followed: { ready } }) => {
      try {
        await history.run({ store: opened, ready, log, signal: stopping.signal });
      } catch (error) {
        // Without its last versions the next start finds out what changed; nobody must fail for it before.
        log.error({ err: error }, 'versions of policies were not kept');
      }
    });
    return {
      url: api.url,
      store,
      done,
      async stop() {
        for (const { source } of sources) source.stop();
        hurry.abort();
        // What is in Kafka can wait there; what is in memory alone is stored, however long that takes.
        const late = options.kafka && setTimeout(() => giveUp.abort(), LONGEST_STORING_MS);
        await published.catch(() => undefined);
        flowing.endConsuming();
        // What made it fail is told by `done`; here it only must not keep the rest from closing.
        await done.catch(() => undefined);
        clearTimeout(late);
        stopping.abort();
        for (const { followed } of clusters.values()) await followed.ended;
        await Promise.all(kept);
        await api.close();
        await opened.close();
      },
    };
  } catch (error) {
    // Sources may run already; nobody else knows of them any more.
    for (const { source } of sources) source.stop();
    stopping.abort();
    await pipe?.endPublishing();
    await store?.close();
    throw error;
  }
}

/** The nodes that are collected from are the ones that report their own ends of connections. */
function follow({ sources, ...cluster }: EmbeddedCluster, log: Logger, signal: AbortSignal) {
  const monitored = new Set(sources.map(({ node }) => node));
  return followChosenCluster({ ...cluster, isMonitored: (node) => monitored.has(node) }, log, signal);
}

/** All collectors have ended, or one failed; either way what was published is then stored. */
function finished(collectors: readonly Promise<void>[], enricher: Promise<void>, pipe: Pipe) {
  const published = (async () => {
    try {
      await Promise.race([Promise.all(collectors), enricher]);
    } catch (error) {
      pipe.endConsuming();
      throw error;
    } finally {
      await pipe.endPublishing();
    }
  })();
  const done = (async () => {
    try {
      await published;
    } finally {
      await enricher;
    }
  })();
  return { published, done };
}
