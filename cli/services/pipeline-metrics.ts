import type { CollectorObserver } from '@sonde/collector/collector';
import type { EnricherObserver } from '@sonde/enricher/enricher';
import { Counter, Gauge, type Registry } from 'prom-client';

/** The metrics of collectors, on a registry. */
export function collectorMetrics(registry: Registry): CollectorObserver {
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
  return {
    onWindow(node, count, counters) {
      reported.inc({ node }, count);
      for (const [name, value] of counters) source.set({ node, name }, value);
    },
  };
}

/** The metrics of an enricher, on a registry. */
export function enricherMetrics(registry: Registry): Required<EnricherObserver> {
  const registers = [registry];
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
  return {
    onStored({ flows, dns }) {
      stored.inc(flows.rows);
      lookups.inc(dns.rows);
      blocks.inc();
    },
    onRetry() {
      retries.inc();
    },
  };
}
