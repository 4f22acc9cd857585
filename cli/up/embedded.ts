import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { createDirectTransport } from '@sonde/backbone/transport/direct';
import { runCollector } from '@sonde/collector/collector';
import type { FlowSource } from '@sonde/collector/source';
import { LiveContext } from '@sonde/enricher/context';
import { runEnricher } from '@sonde/enricher/enricher';
import { PendingAddresses } from '@sonde/enricher/pending';
import { PolicyHistory } from '@sonde/enricher/policy-history';
import { followCluster } from '@sonde/enricher/watch/follow-cluster';
import { type KubeConfigChoice, readKubeConfig } from '@sonde/enricher/watch/kube-config';
import type { EnrichedFlows } from '@sonde/model/flow/batch';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { clusterMetrics, pipelineMetrics } from './metrics.js';

export interface EmbeddedOptions {
  readonly cluster: string;
  /** Where the store keeps its files. */
  readonly dataDirectory: string;
  /** Files and folders of Kubernetes manifests that describe the cluster. */
  readonly manifests: readonly string[];
  /** The cluster's API server, which is followed; without it manifests alone say what there is. */
  readonly kubeConfig?: KubeConfigChoice | undefined;
  /** The nodes whose flows are collected, each from its source. */
  readonly sources: readonly { readonly node: string; readonly source: FlowSource }[];
  readonly api: { readonly host: string; readonly port: number };
  readonly log: Logger;
  /** Called with each block of flows once it is in the store. */
  onStored?(flows: EnrichedFlows): void;
}

/** Every service in this process: sources, collectors, direct transport, enricher, store, query API. */
export interface Embedded {
  /** Where the API answers. */
  readonly url: string;
  readonly store: FlowStore;
  /** Resolves when every source has ended and its flows are stored; rejects if a part has failed. */
  readonly done: Promise<void>;
  /** Lets the sources report what they hold, stores it, and closes everything. */
  stop(): Promise<void>;
}

/** How many windows may wait for the enricher before collectors do. */
const TRANSPORT_CAPACITY = 64;

/** How long flows wait at the start for the cluster to be read. */
const LONGEST_READING_MS = 30_000;

/**
 * Starts the embedded pipeline.
 * @throws StoreError if the data directory is in use or cannot be opened.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { log, sources } = options;
  const monitored = new Set(sources.map(({ node }) => node));
  const context = new LiveContext((node) => monitored.has(node));
  const stopping = new AbortController();
  const hurry = new AbortController();
  const { kubeConfig, manifests } = options;
  const history = new PolicyHistory(options.cluster);
  const followed = followCluster({
    ...{ context, manifests, log, signal: stopping.signal, observer: history },
    kubeConfig: kubeConfig && readKubeConfig(kubeConfig),
  });
  let store: FlowStore | undefined;
  try {
    await soonReady(followed.ready, log);
    store = await openChdbStore({ directory: options.dataDirectory, log });
    await store.migrate();
    const firstOffset = ((await store.highestOffsets()).get(0) ?? -1) + 1;
    const transport = createDirectTransport({ firstOffset, capacity: TRANSPORT_CAPACITY });
    const registry = new Registry();
    const metrics = pipelineMetrics(
      registry,
      () => transport.depth,
      () => context.domains.counts,
    );
    clusterMetrics(registry, context.cluster, followed.counts);
    const api = await startQueryApi({ store, ...options.api, registry, log });

    const collectors = sources.map(({ node, source }) =>
      runCollector({
        cluster: options.cluster,
        node,
        source,
        publisher: transport,
        observer: metrics.collector,
      }),
    );
    const enricher = runEnricher({
      // Manifests tell of pods before they are there, a cluster a moment after.
      pending: kubeConfig && new PendingAddresses({ clusterOf: () => context.cluster, signal: hurry.signal }),
      consumer: transport,
      store,
      contextOf: () => context,
      log,
      observer: {
        onStored(block) {
          metrics.enricher.onStored(block);
          options.onStored?.(block.flows);
        },
        onRetry: () => metrics.enricher.onRetry(),
      },
    });
    const done = finished(collectors, enricher, () => transport.close());
    const kept = history.run({ store, ready: followed.ready, log, signal: stopping.signal });
    // Without its last versions the next start finds out what changed; nobody must fail for it before.
    kept.catch((error: unknown) => log.error({ err: error }, 'versions of policies were not kept'));

    const opened = store;
    return {
      url: api.url,
      store,
      done,
      async stop() {
        for (const { source } of sources) source.stop();
        hurry.abort();
        // What made it fail is told by `done`; here it only must not keep the rest from closing.
        await done.catch(() => undefined);
        stopping.abort();
        await followed.ended;
        await kept.catch(() => undefined);
        await api.close();
        await opened.close();
      },
    };
  } catch (error) {
    // Sources may run already; nobody else knows of them any more.
    for (const { source } of sources) source.stop();
    stopping.abort();
    await store?.close();
    throw error;
  }
}

/** All collectors have ended, or one failed; either way the enricher then stores what was published. */
async function finished(
  collectors: readonly Promise<void>[],
  enricher: Promise<void>,
  closeTransport: () => void,
) {
  try {
    await Promise.race([Promise.all(collectors), enricher]);
  } finally {
    closeTransport();
    await enricher;
  }
}

/** Waits until the cluster was read a first time, but not for ever: flows must not be lost for want of names. */
async function soonReady(ready: Promise<void>, log: Logger): Promise<void> {
  const timeout = new AbortController();
  const late = delay(LONGEST_READING_MS, 'late', { signal: timeout.signal }).catch(() => 'aborted');
  const first = await Promise.race([ready, late]).finally(() => timeout.abort());
  if (first === 'late') log.warn('the cluster was not read in time; flows go without names until it is');
}
