import type { CollectorObserver } from '@sonde/collector/collector';
import type { EnricherObserver } from '@sonde/enricher/enricher';
import { Counter, Gauge, type Registry } from 'prom-client';

/** The metrics of collectors and enricher, on a registry. */
export function pipelineMetrics(
  registry: Registry,
  transportDepth: () => number,
): { readonly collector: CollectorObserver; readonly enricher: Required<EnricherObserver> } {
  const registers = [registry];
  const flows = new Counter({
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
        flows.inc({ node }, count);
        for (const [name, value] of counters) source.set({ node, name }, value);
      },
    },
    enricher: {
      onStored({ rows }) {
        stored.inc(rows);
        blocks.inc();
      },
      onRetry() {
        retries.inc();
      },
    },
  };
}
