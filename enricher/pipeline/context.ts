import type { Logger } from '@sonde/backbone/logging';
import { Cluster, type ClusterProblem } from '@sonde/model/cluster/cluster';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { type DomainScope, FlowDomains } from '../domains/flow-domains.js';
import { DeclaredPorts } from '../identity/declared-ports.js';
import { EndpointCache } from '../identity/endpoint-cache.js';
import { LivePolicies, type UnevaluatedKind } from '../policy/live-policies.js';
import { FlowPolicies } from '../policy/flow-policies.js';

/** The context that flows are enriched with. */
export interface EnrichmentContext {
  readonly cluster: Cluster;
  readonly policies: FlowPolicies;
  readonly domains: FlowDomains;
  readonly ends: EndpointCache;
  readonly declaredPorts: DeclaredPorts;
  /** Whether flows of a node are collected, so that it reports its side of connections. */
  isMonitored(node: string): boolean;
}

/** A context that follows the objects of a cluster as they are created, changed and deleted. */
export class LiveContext implements EnrichmentContext {
  readonly cluster = new Cluster();
  readonly ends = new EndpointCache(this.cluster);
  readonly declaredPorts = new DeclaredPorts(this.cluster);
  readonly policies: FlowPolicies;
  readonly #policies = new LivePolicies();
  readonly domains: FlowDomains;

  /** @param scope whether it is the context of one cluster, or of several that nothing is known of. */
  constructor(
    readonly isMonitored: (node: string) => boolean = () => true,
    scope: DomainScope = 'one cluster',
  ) {
    this.domains = new FlowDomains(this.#policies.evaluator, scope);
    this.policies = new FlowPolicies(this.#policies);
  }

  /** Policy kinds of which the cluster's policies are not part of verdicts. */
  get unevaluatedPolicyKinds(): readonly UnevaluatedKind[] {
    return this.#policies.unevaluatedKinds;
  }

  /** Sets whether the objects of a kind that affects verdicts are known; until they are, verdicts are unknown. */
  setKindRead(kind: string, isRead: boolean): void {
    this.#policies.setRead(kind, isRead);
  }

  /** Adds or replaces an object as it was at `atMs`; returns the parts of it that cannot be used. */
  apply(object: KubernetesObject, atMs: number): readonly ClusterProblem[] {
    this.cluster.apply(object, atMs);
    this.declaredPorts.apply(object);
    const { kind, metadata } = object;
    const name = [kind, metadata.namespace, metadata.name].filter(Boolean).join('/');
    const ofPolicies = this.#policies
      .apply(object)
      .map(({ field, reason }) => ({ object: name, field, reason }));
    return [...this.cluster.problems.splice(0), ...ofPolicies];
  }

  /** Removes an object that was gone by `atMs`; earlier flows are still attributed to it. */
  remove(object: KubernetesObject, atMs: number): void {
    this.cluster.remove(object, atMs);
    this.declaredPorts.remove(object);
    this.#policies.remove(object, atMs);
  }
}

/** How many clusters that are not watched are logged by name. */
const MAX_LOGGED_CLUSTERS = 100;

/**
 * The context of a cluster by name. Flows of a cluster that is not watched are stored without names, not lost; all these
 * clusters share one context, so that their number costs nothing.
 */
export function contextsByName(
  clusters: ReadonlyMap<string, { readonly context: LiveContext }>,
  log: Logger,
): (name: string) => LiveContext {
  const unwatched = new LiveContext(undefined, 'several clusters');
  const logged = new Set<string>();
  return (name) => {
    const context = clusters.get(name)?.context;
    if (context) return context;
    if (!logged.has(name) && logged.size < MAX_LOGGED_CLUSTERS) {
      logged.add(name);
      log.warn(
        { cluster: name },
        'cluster is not watched by this enricher; its flows are stored without names',
      );
    }
    return unwatched;
  };
}

/** A context from Kubernetes objects of any kind, and the parts of them that cannot be used. */
export function contextFromObjects(
  objects: readonly KubernetesObject[],
  isMonitored?: (node: string) => boolean,
): { context: EnrichmentContext; problems: ClusterProblem[] } {
  const context = new LiveContext(isMonitored);
  const now = Date.now();
  return { context, problems: objects.flatMap((object) => context.apply(object, now)) };
}
