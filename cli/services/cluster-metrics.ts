import type { LiveContext } from '@sonde/enricher/context';
import type { FollowedCluster } from '@sonde/enricher/watch/follow-cluster';
import type { PendingAddresses } from '@sonde/enricher/pending';
import type { PolicyHistory } from '@sonde/enricher/policy-history';
import { Gauge, type Registry } from 'prom-client';

/** The metrics of flows that wait for their pods to be known, on a registry. */
export function pendingMetrics(registry: Registry, { counts }: PendingAddresses): void {
  new Gauge({
    name: 'sonde_enricher_addresses_awaited',
    help: 'Addresses of nobody that flows wait for (waiting), or waited for since the start: settled became known, given_up did not in time',
    labelNames: ['outcome'],
    registers: [registry],
    collect() {
      this.set({ outcome: 'waiting' }, counts.waiting);
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
