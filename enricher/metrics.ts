import { collectedCounter, collectedGauge } from '@sonde/backbone/metrics/collected';
import { Counter, type Registry } from 'prom-client';
import type { LiveCluster } from './live-cluster.js';
import type { EnricherObserver } from './pipeline/enricher.js';
import type { PendingAddresses } from './pipeline/pending-addresses.js';

/** Registers the metrics of stored records; returns the observer that updates them. */
export function registerEnricherMetrics(registry: Registry): Required<EnricherObserver> {
  const registers = [registry];
  const records = new Counter({
    name: 'sonde_enricher_stored_records_total',
    help: 'Records written to the store, by record type (flow, dns)',
    labelNames: ['type'],
    registers,
  });
  const blocks = new Counter({
    name: 'sonde_enricher_stored_blocks_total',
    help: 'Blocks written to the store',
    registers,
  });
  const retries = new Counter({
    name: 'sonde_enricher_store_retries_total',
    help: 'Blocks that the store rejected and that were retried',
    registers,
  });
  for (const type of ['flow', 'dns']) records.inc({ type }, 0);
  return {
    onStored({ flows, dns }) {
      records.inc({ type: 'flow' }, flows.rows);
      records.inc({ type: 'dns' }, dns.rows);
      blocks.inc();
    },
    onRetry() {
      retries.inc();
    },
  };
}

/** Registers the metrics of flows that wait until the pods of their addresses are known. */
export function registerPendingMetrics(registry: Registry, { counts }: PendingAddresses): void {
  collectedGauge(registry, {
    name: 'sonde_enricher_pending_addresses',
    help: 'Addresses without a known pod that flows are waiting for',
    collect: () => counts.waiting,
  });
  collectedCounter(registry, {
    name: 'sonde_enricher_awaited_addresses_total',
    help: 'Addresses that flows waited for, by outcome: resolved (the pod became known in time), timed_out',
    labelNames: ['outcome'],
    collect: () => [
      [{ outcome: 'resolved' }, counts.settled],
      [{ outcome: 'timed_out' }, counts.givenUp],
    ],
  });
}

/** Registers the metrics of what is known about each cluster. */
export function registerClusterMetrics(registry: Registry, clusters: ReadonlyMap<string, LiveCluster>): void {
  const each = (value: (cluster: LiveCluster) => number) => ({
    labelNames: ['cluster'] as const,
    collect: () => [...clusters].map(([name, cluster]) => [{ cluster: name }, value(cluster)] as const),
  });
  collectedGauge(registry, {
    name: 'sonde_enricher_identities',
    help: 'Known owners of addresses, including those deleted within kubernetes.identityRetention',
    ...each(({ context }) => context.cluster.identities.size),
  });
  collectedCounter(registry, {
    name: 'sonde_enricher_expired_identities_total',
    help: 'Owners of addresses removed after kubernetes.identityRetention',
    ...each(({ context }) => context.cluster.identities.forgotten),
  });
  collectedGauge(registry, {
    name: 'sonde_enricher_unevaluated_policy_kinds',
    help: 'Set to 1 for each policy kind that is not part of verdicts, by reason: unsupported (Sonde does not evaluate it), unread (it could not be listed); verdicts are unknown while there is any',
    labelNames: ['cluster', 'kind', 'reason'] as const,
    collect: () =>
      [...clusters].flatMap(([cluster, { context }]) =>
        context.unevaluatedPolicyKinds.map(({ kind, reason }) => [{ cluster, kind, reason }, 1] as const),
      ),
  });
  collectedGauge(registry, {
    name: 'sonde_enricher_domain_names',
    help: 'Domain names of addresses in the cache',
    ...each(({ context }) => context.domains.counts.held),
  });
  collectedCounter(registry, {
    name: 'sonde_enricher_evicted_domain_names_total',
    help: 'Domain names evicted from the full cache before they expired',
    ...each(({ context }) => context.domains.counts.evicted),
  });
  collectedCounter(registry, {
    name: 'sonde_watch_objects_total',
    help: 'Kubernetes objects received from lists and watches',
    ...each(({ watch }) => watch.counts.objects),
  });
  collectedCounter(registry, {
    name: 'sonde_watch_lists_total',
    help: 'List requests to the Kubernetes API server',
    ...each(({ watch }) => watch.counts.lists),
  });
  collectedCounter(registry, {
    name: 'sonde_watch_failures_total',
    help: 'Failed list and watch requests to the Kubernetes API server',
    ...each(({ watch }) => watch.counts.failures),
  });
  collectedGauge(registry, {
    name: 'sonde_watch_kind_state',
    help: 'Set to 1 for the state of each watched kind: followed, absent (the cluster does not have it), pending (not read yet), forbidden, unavailable',
    labelNames: ['cluster', 'kind', 'state'] as const,
    collect: () =>
      kindsOf(clusters).map(([cluster, kind, { state }]) => [{ cluster, kind, state }, 1] as const),
  });
  collectedGauge(registry, {
    name: 'sonde_watch_kind_state_since_timestamp_seconds',
    help: 'Time at which each watched kind came into its state',
    labelNames: ['cluster', 'kind'] as const,
    collect: () =>
      kindsOf(clusters).map(([cluster, kind, { sinceMs }]) => [{ cluster, kind }, sinceMs / 1000] as const),
  });
  collectedCounter(registry, {
    name: 'sonde_policy_versions_total',
    help: 'Versions of policies and of the objects they select, by outcome: stored, skipped (replaced before they were stored)',
    labelNames: ['cluster', 'outcome'],
    collect: () =>
      [...clusters].flatMap(([cluster, { history }]) => [
        [{ cluster, outcome: 'stored' }, history.counts.written] as const,
        [{ cluster, outcome: 'skipped' }, history.counts.skipped] as const,
      ]),
  });
  collectedCounter(registry, {
    name: 'sonde_policy_history_failures_total',
    help: 'Failed attempts to store versions of policies and of the objects they select; each is retried',
    ...each(({ history }) => history.counts.failures),
  });
}

function kindsOf(clusters: ReadonlyMap<string, LiveCluster>) {
  return [...clusters].flatMap(([cluster, { watch }]) =>
    [...watch.kinds].map(([kind, status]) => [cluster, kind, status] as const),
  );
}
