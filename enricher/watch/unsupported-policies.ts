import type { KubernetesObject } from '@sonde/model/cluster/objects';

/** A kind of network policy that Sonde does not evaluate, with its API group and versions. */
interface UnsupportedPolicyKind {
  readonly kind: string;
  readonly group: string;
  /** Newest first. */
  readonly versions: readonly string[];
}

/**
 * Policies that change what is allowed but that Sonde does not evaluate. While a cluster has any, verdicts are
 * unknown. Sources: the CRDs of Cilium (`pkg/k8s/apis/cilium.io`), Antrea (`pkg/apis/crd`) and OVN-Kubernetes.
 */
export const UNSUPPORTED_POLICY_KINDS: readonly UnsupportedPolicyKind[] = [
  { kind: 'CiliumNetworkPolicy', group: 'cilium.io', versions: ['v2'] },
  {
    kind: 'CiliumClusterwideNetworkPolicy',
    group: 'cilium.io',
    versions: ['v2'],
  },
  {
    kind: 'ClusterNetworkPolicy',
    group: 'crd.antrea.io',
    versions: ['v1beta1', 'v1alpha1'],
  },
  {
    kind: 'NetworkPolicy',
    group: 'crd.antrea.io',
    versions: ['v1beta1', 'v1alpha1'],
  },
  { kind: 'EgressFirewall', group: 'k8s.ovn.org', versions: ['v1'] },
];

/** `Kind.group` of an object if it is a policy that Sonde does not evaluate, for example `NetworkPolicy.crd.antrea.io`. */
export function unsupportedPolicyKind({ apiVersion, kind }: KubernetesObject): string | undefined {
  const [group] = apiVersion.split('/');
  const found = UNSUPPORTED_POLICY_KINDS.some((known) => known.kind === kind && known.group === group);
  return found ? `${kind}.${group}` : undefined;
}
