import { Cluster, type ClusterProblem } from '@sonde/model/cluster/cluster';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { readManifestCluster } from '@sonde/model/policy/manifests/cluster';
import { FlowPolicies } from './policies.js';

/** What the enricher knows, to attach it to flows. */
export interface EnrichmentContext {
  readonly cluster: Cluster;
  readonly policies: FlowPolicies;
  /** Whether a node's flows are collected too, so that it reports its own ends of connections. */
  isMonitored(node: string): boolean;
}

/** A context from Kubernetes objects of all kinds, and what of the objects could not be used. */
export function contextFromObjects(
  objects: readonly KubernetesObject[],
  isMonitored: (node: string) => boolean = () => true,
): { context: EnrichmentContext; problems: ClusterProblem[] } {
  const cluster = new Cluster();
  cluster.applyAll(objects, Date.now());
  const policies = readManifestCluster(objects);
  const problems = policies.problems.map(({ object, field, reason }) => {
    const { kind, metadata } = objects[object] ?? {};
    return { object: [kind, metadata?.namespace, metadata?.name].filter(Boolean).join('/'), field, reason };
  });
  return {
    context: { cluster, policies: new FlowPolicies(policies.cluster), isMonitored },
    problems: [...cluster.problems, ...problems],
  };
}
