import type { CollectorObserver } from '@sonde/collector/collector';
import type { WatchCounts } from '@sonde/enricher/watch/follow-resource';
import type { Cluster } from '@sonde/model/cluster/cluster';
import type { EnricherObserver } from '@sonde/enricher/enricher';
import { Counter, Gauge, type Registry } from 'prom-client';

/** The metrics of collectors and enricher, on a registry. */
export function pipelineMetrics(
  registry: Registry,
  transportDepth: () => number,
  domainNames: () => { readonly held: number; readonly evicted: number },
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

  new Gauge({
    name: 'sonde_enricher_domain_names',
    help: 'Domain names of addresses that are held to name flows',
    registers,
    collect() {
      this.set(domainNames().held);
    },
  });
  new Gauge({
    name: 'sonde_enricher_domain_names_evicted',
    help: 'Domain names that were dropped for want of room while they were still held, since the start',
    registers,
    collect() {
      this.set(domainNames().evicted);
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

/** The metrics of what is known of the cluster, on a registry. */
export function clusterMetrics(registry: Registry, { identities }: Cluster, counts: WatchCounts): void {
  const metrics: readonly [name: string, help: string, value: () => number][] = [
    [
      'sonde_identities',
      'Owners of addresses that are known, and those gone but remembered',
      () => identities.size,
    ],
    [
      'sonde_identities_forgotten',
      'Owners forgotten since they were gone for long',
      () => identities.forgotten,
    ],
    ['sonde_watch_objects', 'Kubernetes objects listed and changes told', () => counts.objects],
    ['sonde_watch_lists', 'Times that a kind of Kubernetes object was listed', () => counts.lists],
    ['sonde_watch_failures', 'Times that a watch broke or a request was refused', () => counts.failures],
  ];
  for (const [name, help, value] of metrics) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(value());
      },
    });
  }
}
