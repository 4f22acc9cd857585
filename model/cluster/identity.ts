import type { KubernetesObject } from './objects.js';

/** What an address belongs to: the fields of the flow record that say so, for one end. */
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

/** The identity of an object of which nothing but its name is known. */
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

/** Labels that differ between the replicas of one workload, or change with each roll-out. */
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
]);

/** Labels as one text: sorted `k=v` pairs joined by commas, per-replica labels left out. */
export function canonicalLabels(labels: Readonly<Record<string, string>> = {}): string {
  return Object.keys(labels)
    .filter((key) => !PER_REPLICA_LABELS.has(key))
    .sort()
    .map((key) => `${key}=${labels[key] ?? ''}`)
    .join(',');
}
