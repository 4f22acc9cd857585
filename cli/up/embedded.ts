import type { Logger } from '@sonde/backbone/logging';
import { readManifests } from '@sonde/backbone/manifests/read';
import { openChdbStore } from '@sonde/backbone/store/chdb-store';
import type { FlowStore } from '@sonde/backbone/store/store';
import { createDirectTransport } from '@sonde/backbone/transport/direct';
import { runCollector } from '@sonde/collector/collector';
import type { FlowSource } from '@sonde/collector/source';
import { contextFromObjects, type EnrichmentContext } from '@sonde/enricher/context';
import { runEnricher } from '@sonde/enricher/enricher';
import type { EnrichedFlows } from '@sonde/model/flow/batch';
import { startQueryApi } from '@sonde/query-api/server';
import { Registry } from 'prom-client';
import { pipelineMetrics } from './metrics.js';

export interface EmbeddedOptions {
  readonly cluster: string;
  /** Where the store keeps its files. */
  readonly dataDirectory: string;
  /** Files and folders of Kubernetes manifests that describe the cluster. */
  readonly manifests: readonly string[];
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

/**
 * Starts the embedded pipeline.
 * @throws StoreError if the data directory is in use or cannot be opened.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  const { log, sources } = options;
  const monitored = new Set(sources.map(({ node }) => node));
  const context = await readContext(options.manifests, (node) => monitored.has(node), log);
  const store = await openChdbStore({ directory: options.dataDirectory, log });
  try {
    await store.migrate();
    const firstOffset = ((await store.highestOffsets()).get(0) ?? -1) + 1;
    const transport = createDirectTransport({ firstOffset, capacity: TRANSPORT_CAPACITY });
    const registry = new Registry();
    const metrics = pipelineMetrics(
      registry,
      () => transport.depth,
      () => context.domains.counts,
    );
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
      consumer: transport,
      store,
      context,
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

    return {
      url: api.url,
      store,
      done,
      async stop() {
        for (const { source } of sources) source.stop();
        // What made it fail is told by `done`; here it only must not keep the rest from closing.
        await done.catch(() => undefined);
        await api.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
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

async function readContext(
  manifests: readonly string[],
  isMonitored: (node: string) => boolean,
  log: Logger,
): Promise<EnrichmentContext> {
  const { objects, problems } = await readManifests(manifests);
  for (const { file, line, reason } of problems)
    log.warn({ file, line, reason }, 'a manifest was passed over');
  const read = contextFromObjects(
    objects.map(({ object }) => object),
    isMonitored,
  );
  for (const problem of read.problems) log.warn(problem, 'a part of a manifest was passed over');
  return read.context;
}
