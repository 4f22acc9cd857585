import type { KubernetesObject } from './objects.js';

/** The owner of an address: the fields of one endpoint in the flow record. */
export interface EndpointIdentity {
  readonly kind: 'pod' | 'node' | 'host_network_pod' | 'service' | 'network_set';
  readonly namespace: string;
  readonly name: string;
  readonly workload: string;
  readonly workloadKind: string;
  readonly serviceAccount: string;
  /** Canonical text: see `canonicalLabels`. */
  readonly labels: string;
  readonly node: string;
  readonly zone: string;
}

/** The identity of an object of which only the name is known. */
export function identityOf(kind: EndpointIdentity['kind'], { metadata }: KubernetesObject): EndpointIdentity {
  return {
    kind,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    workload: '',
    workloadKind: '',
    serviceAccount: '',
    labels: '',
    node: '',
    zone: '',
  };
}

/** Labels that differ between the replicas of one workload, or change with each rollout. */
const PER_REPLICA_LABELS = new Set([
  'pod-template-hash',
  'controller-revision-hash',
  'pod-template-generation',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'controller-uid',
  'batch.kubernetes.io/controller-uid',
  'job-name',
  'batch.kubernetes.io/job-name',
  'batch.kubernetes.io/job-completion-index',
  'kubernetes.io/hostname',
]);

/** Prefixes of labels that pods get from their node (Kubernetes, PodTopologyLabels admission plugin, and its predecessors). */
const PER_NODE_PREFIXES = ['topology.kubernetes.io/', 'failure-domain.'];

/** Whether all pods of a workload have a label: not if it depends on the replica, on the rollout or on the node. */
export function isWorkloadLabel(key: string): boolean {
  return !PER_REPLICA_LABELS.has(key) && !PER_NODE_PREFIXES.some((prefix) => key.startsWith(prefix));
}

/** Labels as text: sorted `k=v` pairs, separated by commas; of pods only those of the workload. */
export function canonicalLabels(
  labels: Readonly<Record<string, string>> = {},
  isIncluded: (key: string) => boolean = isWorkloadLabel,
): string {
  return Object.keys(labels)
    .filter(isIncluded)
    .sort()
    .map((key) => `${key}=${labels[key] ?? ''}`)
    .join(',');
}
