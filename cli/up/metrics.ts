import type { CollectorObserver } from '@sonde/collector/collector';
import type { LiveContext } from '@sonde/enricher/context';
import type { FollowedCluster } from '@sonde/enricher/watch/follow-cluster';
import type { PendingAddresses } from '@sonde/enricher/pending';
import type { PolicyHistory } from '@sonde/enricher/policy-history';
import type { EnricherObserver } from '@sonde/enricher/enricher';
import { Counter, Gauge, type Registry } from 'prom-client';

/** The metrics of collectors and enricher, on a registry. */
export function pipelineMetrics(
  registry: Registry,
  transportDepth: () => number,
): { readonly collector: CollectorObserver; readonly enricher: Required<EnricherObserver> } {
  const registers = [registry];
  const reported = new Counter({
    name: 'sonde_collector_flows_total',
    help: 'Flow records that a node has reported',
    labelNames: ['node'],
    registers,
  });
  const source = new Gauge({
    name: 'sonde_probe_count',
    help: "A probe's own counters; those beginning lost_ count what could not be reported",
    labelNames: ['node', 'name'],
    registers,
  });
  const stored = new Counter({
    name: 'sonde_enricher_flows_stored_total',
    help: 'Flow records in the store',
    registers,
  });
  const lookups = new Counter({
    name: 'sonde_enricher_dns_stored_total',
    help: 'Records of DNS look-ups in the store',
    registers,
  });
  const blocks = new Counter({
    name: 'sonde_enricher_blocks_stored_total',
    help: 'Blocks written to the store',
    registers,
  });
  const retries = new Counter({
    name: 'sonde_enricher_store_retries_total',
    help: 'Times that the store refused a block, which was then tried again',
    registers,
  });
  new Gauge({
    name: 'sonde_transport_batches_waiting',
    help: 'Batches between collectors and enricher',
    registers,
    collect() {
      this.set(transportDepth());
    },
  });

  return {
    collector: {
      onWindow(node, count, counters) {
        reported.inc({ node }, count);
        for (const [name, value] of counters) source.set({ node, name }, value);
      },
    },
    enricher: {
      onStored({ flows, dns }) {
        stored.inc(flows.rows);
        lookups.inc(dns.rows);
        blocks.inc();
      },
      onRetry() {
        retries.inc();
      },
    },
  };
}

/** The metrics of flows that wait for their pods to be known, on a registry. */
export function pendingMetrics(registry: Registry, { counts }: PendingAddresses): void {
  new Gauge({
    name: 'sonde_enricher_addresses_awaited',
    help: 'Addresses of nobody that flows waited for, since the start: settled became known, given_up did not in time',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.set({ outcome: 'settled' }, counts.settled);
      this.set({ outcome: 'given_up' }, counts.givenUp);
    },
  });
}

/** A cluster that is followed, and what is known of it. */
interface KnownCluster {
  readonly context: LiveContext;
  readonly followed: FollowedCluster;
  readonly history: PolicyHistory;
}

/** The metrics of what is known of clusters, by their names, on a registry. */
export function clusterMetrics(registry: Registry, clusters: ReadonlyMap<string, KnownCluster>): void {
  const metrics: readonly [name: string, help: string, value: (cluster: KnownCluster) => number][] = [
    [
      'sonde_identities',
      'Owners of addresses that are known, and those gone but remembered',
      ({ context }) => context.cluster.identities.size,
    ],
    [
      'sonde_identities_forgotten',
      'Owners forgotten since they were gone for long',
      ({ context }) => context.cluster.identities.forgotten,
    ],
    [
      'sonde_enricher_domain_names',
      'Domain names of addresses that are held to name flows',
      ({ context }) => context.domains.counts.held,
    ],
    [
      'sonde_enricher_domain_names_evicted',
      'Domain names that were dropped for want of room while they were still held, since the start',
      ({ context }) => context.domains.counts.evicted,
    ],
    [
      'sonde_watch_objects',
      'Kubernetes objects listed and changes told',
      ({ followed }) => followed.counts.objects,
    ],
    [
      'sonde_watch_lists',
      'Times that a kind of Kubernetes object was listed',
      ({ followed }) => followed.counts.lists,
    ],
    [
      'sonde_watch_failures',
      'Times that a watch broke or a request was refused',
      ({ followed }) => followed.counts.failures,
    ],
    [
      'sonde_policy_versions_written',
      'Versions of policies and what they look at that were stored, since the start',
      ({ history }) => history.counts.written,
    ],
    [
      'sonde_policy_versions_skipped',
      'Versions of them that later ones had replaced before the store took them, since the start',
      ({ history }) => history.counts.skipped,
    ],
  ];
  for (const [name, help, value] of metrics) {
    new Gauge({
      name,
      help,
      labelNames: ['cluster'],
      registers: [registry],
      collect() {
        for (const [cluster, known] of clusters) this.set({ cluster }, value(known));
      },
    });
  }
}
