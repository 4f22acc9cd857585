import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import type { Readiness } from '@sonde/backbone/metrics/readiness';
import { type FlowStore, StoreError } from '@sonde/backbone/store/store';
import type { FlowConsumer } from '@sonde/backbone/transport/interface/transport';
import type { Registry } from 'prom-client';
import { warmDomains } from './domains/warm-domains.js';
import { describeKinds, type ClusterChoice, initialRead, watchCluster } from './live-cluster.js';
import { registerClusterMetrics, registerEnricherMetrics, registerPendingMetrics } from './metrics.js';
import { contextsByName } from './pipeline/context.js';
import { type EnrichedBlock, runEnricher } from './pipeline/enricher.js';
import { PendingAddresses } from './pipeline/pending-addresses.js';

/** What an enricher is assembled from, as a service and within `sonde up`. */
export interface EnricherAssemblyOptions {
  /** Clusters with distinct names. */
  readonly clusters: readonly ClusterChoice[];
  /** How long flows wait for pods that the API server has not reported yet, in ms; five seconds if absent. */
  readonly identityTimeoutMs?: number | undefined;
  readonly registry: Registry;
  readonly readiness?: Readiness | undefined;
  readonly log: Logger;
}

/** Where an enricher takes batches from and where it stores their records. */
export interface EnricherConnections {
  readonly consumer: FlowConsumer;
  readonly store: FlowStore;
  /** Called with each stored block; its columns are valid only until this returns. */
  readonly onStored?: (block: EnrichedBlock) => void;
}

/** An enricher with everything around it: watched clusters, policy history, metrics. */
export interface EnricherAssembly {
  /**
   * Waits for the clusters and the store, and creates or upgrades its tables. With `retry` it waits as long as the
   * store cannot be reached.
   * @throws StoreError if the store rejects the tables or, without `retry`, cannot be reached.
   */
  prepare(store: FlowStore, retry: boolean): Promise<void>;
  /** Stores what the consumer delivers until it ends. Resolves early after `abort`. */
  run(connections: EnricherConnections): Promise<void>;
  /** Flows no longer wait for pods that are not reported yet. */
  flush(): void;
  /** Gives up a block that the store keeps rejecting. */
  abort(): void;
  /** Stops watching and stores the policy history. Rejects if the history could not be stored. */
  close(): Promise<void>;
}

/** Assembles an enricher; it watches its clusters from now until `close`. */
export function assembleEnricher(options: EnricherAssemblyOptions): EnricherAssembly {
  const { registry, readiness, log } = options;
  const watching = new AbortController();
  const flushing = new AbortController();
  const aborting = new AbortController();
  const clusters = new Map(
    options.clusters.map((choice) => [choice.name, watchCluster(choice, log, watching.signal)]),
  );
  const pending = new PendingAddresses({
    // Manifests describe pods before they exist, an API server reports them a moment later.
    clusterOf(name) {
      const cluster = clusters.get(name);
      return cluster?.hasApiServer === true ? cluster.context.cluster : undefined;
    },
    ...(options.identityTimeoutMs !== undefined && { waitMs: options.identityTimeoutMs }),
    signal: flushing.signal,
  });
  registerClusterMetrics(registry, clusters);
  for (const [name, { watch }] of clusters) {
    readiness?.check(`cluster ${name}`, () => watch.problem);
    readiness?.describe(`cluster ${name}`, () => describeKinds(watch.kinds));
  }
  registerPendingMetrics(registry, pending);
  const metrics = registerEnricherMetrics(registry);
  const contextOf = contextsByName(clusters, log);
  let histories: Promise<unknown> = Promise.resolve();

  return {
    async prepare(store, retry) {
      await initialRead(clusters.values(), log);
      await migrate(store, { log, readiness, signal: aborting.signal, retry });
      if (aborting.signal.aborted) return;
      for (const [name, { context }] of clusters) await warmDomains(store, name, context);
    },
    async run({ consumer, store, onStored }) {
      histories = Promise.all(
        [...clusters.values()].map(async ({ history, watch: { ready } }) => {
          try {
            await history.run({ store, ready, log, signal: watching.signal });
          } catch (error) {
            log.error(
              { err: error, cluster: history.cluster },
              'policy history stopped; changes are not stored',
            );
            readiness?.set('policy history', String(error));
            throw error;
          }
        }),
      );
      // Also rejects `close`.
      histories.catch(() => undefined);
      try {
        await runEnricher({
          ...{ consumer, store, pending, contextOf, log, signal: aborting.signal, reusesMemory: true },
          observer: {
            onStored(block) {
              readiness?.set('store', undefined);
              metrics.onStored(block);
              onStored?.(block);
            },
            onRetry() {
              readiness?.set('store', 'rejects blocks');
              metrics.onRetry();
            },
          },
        });
      } catch (error) {
        // An abort ends it with an error, too.
        if (!aborting.signal.aborted) throw error;
      }
    },
    flush: () => flushing.abort(),
    abort: () => aborting.abort(),
    async close() {
      flushing.abort();
      aborting.abort();
      watching.abort();
      for (const { watch } of clusters.values()) await watch.ended;
      await histories;
    },
  };
}

const MIGRATION_RETRY_MS = 1_000;

interface MigrationOptions {
  readonly log: Logger;
  readonly readiness: Readiness | undefined;
  readonly signal: AbortSignal;
  readonly retry: boolean;
}

/** Creates or upgrades the tables. */
async function migrate(store: FlowStore, { log, readiness, signal, retry }: MigrationOptions): Promise<void> {
  while (!signal.aborted) {
    try {
      await store.migrate();
      readiness?.set('store', undefined);
      return;
    } catch (error) {
      // An error number is an answer of the server: a retry does not change it.
      if (!retry || !(error instanceof StoreError) || error.engineCode !== undefined) throw error;
      readiness?.set('store', error.message);
      log.warn({ reason: error.message }, 'store unavailable; retrying');
      await delay(MIGRATION_RETRY_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
