import { UNSUPPORTED_POLICY_KINDS } from './unsupported-policies.js';

/** A kind of object that is watched. */
export interface WatchedResource {
  readonly kind: string;
  /** API group and version; of several the first that the cluster serves is taken. */
  readonly versions: readonly string[];
  /** The kind's name in paths. */
  readonly plural: string;
  /** How much of the objects matters: `metadata` where their being there, names, labels and owners do. */
  readonly needs: 'objects' | 'metadata';
}

/** Calico's own API is a custom resource, or where that is not served, its API server's. */
const CALICO = ['crd.projectcalico.org/v1', 'projectcalico.org/v3'];

/**
 * All that is watched. Of workloads only those are that stand between a pod and the workload that it is known by: a
 * pod itself names its StatefulSet or DaemonSet, and its ReplicaSet or Job names the Deployment or CronJob.
 */
export const WATCHED_RESOURCES: readonly WatchedResource[] = [
  resource('Node', 'v1', 'nodes'),
  resource('Namespace', 'v1', 'namespaces', 'metadata'),
  resource('ServiceAccount', 'v1', 'serviceaccounts', 'metadata'),
  resource('ReplicaSet', 'apps/v1', 'replicasets', 'metadata'),
  resource('Job', 'batch/v1', 'jobs', 'metadata'),
  resource('Pod', 'v1', 'pods'),
  resource('Service', 'v1', 'services'),
  resource('EndpointSlice', 'discovery.k8s.io/v1', 'endpointslices'),
  resource('NetworkPolicy', 'networking.k8s.io/v1', 'networkpolicies'),
  resource('AdminNetworkPolicy', 'policy.networking.k8s.io/v1alpha1', 'adminnetworkpolicies'),
  resource('BaselineAdminNetworkPolicy', 'policy.networking.k8s.io/v1alpha1', 'baselineadminnetworkpolicies'),
  resource('ClusterNetworkPolicy', 'policy.networking.k8s.io/v1alpha2', 'clusternetworkpolicies'),
  resource('Tier', CALICO, 'tiers'),
  resource('NetworkPolicy', CALICO, 'networkpolicies'),
  resource('GlobalNetworkPolicy', CALICO, 'globalnetworkpolicies'),
  resource('StagedNetworkPolicy', CALICO, 'stagednetworkpolicies'),
  resource('StagedGlobalNetworkPolicy', CALICO, 'stagedglobalnetworkpolicies'),
  resource('StagedKubernetesNetworkPolicy', CALICO, 'stagedkubernetesnetworkpolicies'),
  resource('NetworkSet', CALICO, 'networksets'),
  resource('GlobalNetworkSet', CALICO, 'globalnetworksets'),
  resource('HostEndpoint', CALICO, 'hostendpoints'),
  resource('Profile', CALICO, 'profiles'),
  resource('BlockAffinity', 'crd.projectcalico.org/v1', 'blockaffinities'),
  ...UNSUPPORTED_POLICY_KINDS.map(({ kind, group, versions, plural }) =>
    resource(
      kind,
      versions.map((version) => `${group}/${version}`),
      plural,
      'metadata',
    ),
  ),
];

/** The path of all objects of a kind, in every namespace. */
export function collectionPath(version: string, plural: string): string {
  return `${version.includes('/') ? '/apis' : '/api'}/${version}/${plural}`;
}

function resource(
  kind: string,
  versions: string | readonly string[],
  plural: string,
  needs: WatchedResource['needs'] = 'objects',
): WatchedResource {
  return { kind, versions: typeof versions === 'string' ? [versions] : versions, plural, needs };
}
