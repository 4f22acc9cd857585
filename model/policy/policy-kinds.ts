import { CALICO_API_VERSION, CALICO_DATASTORE_VERSION } from '../cluster/calico-object.js';
import { compileAdminNetworkPolicy } from './compile/admin-network-policy.js';
import { compileCalicoPolicy } from './compile/calico-policy.js';
import type { CompiledPolicy, PolicyNames } from './compile/compiled-policy.js';
import type { FactSources } from './compile/fact-sources.js';
import { compileNetworkPolicy } from './compile/network-policy.js';
import {
  readAdminNetworkPolicy,
  readBaselineAdminNetworkPolicy,
  readClusterNetworkPolicy,
  type AdminNetworkPolicy,
} from './resources/admin-network-policy.js';
import { readCalicoPolicy, type CalicoPolicy } from './resources/calico-policy.js';
import type { Fields } from './resources/fields.js';
import { readNetworkPolicy, type NetworkPolicy } from './resources/network-policy.js';
import type { TraceKind } from './trace/entry.js';

/** A validated policy of any family. */
export type Policy = NetworkPolicy | AdminNetworkPolicy | CalicoPolicy;

/** A policy of one kind. */
type PolicyOf<Kind extends Policy['kind']> = Policy & { readonly kind: Kind };

/** The API versions of Calico's resources: with the Calico API server, and without it. */
export const CALICO_API_VERSIONS = [CALICO_API_VERSION, CALICO_DATASTORE_VERSION] as const;

/** Everything that is specific to one policy kind. */
interface PolicyKind<Kind extends Policy['kind']> {
  /** The API versions that are read. */
  readonly apiVersions: readonly string[];
  /** The `kind` of objects of these versions. */
  readonly objectKind: string;
  readonly namespaced: boolean;
  /** The short name in traces. */
  readonly traceKind: TraceKind;
  /** The kind in the key that sorts policies of equal order. */
  readonly sortKind: string;
  /** The name of the tier that the policy belongs to. */
  readonly tier: (policy: PolicyOf<Kind>) => string;
  /** Reads and validates a `spec`; `namespace` is empty for kinds without one. */
  readonly read: (namespace: string, name: string, spec: Fields) => Policy;
  readonly compile: (policy: PolicyOf<Kind>, sources: FactSources, names: PolicyNames) => CompiledPolicy;
}

type PolicyKinds = { readonly [Kind in Policy['kind']]: PolicyKind<Kind> };

const V1ALPHA1 = ['policy.networking.k8s.io/v1alpha1'];
const V1ALPHA2 = ['policy.networking.k8s.io/v1alpha2'];

function calico<Kind extends CalicoPolicy['kind']>(
  kind: Kind,
  objectKind: string,
  traceKind: TraceKind,
): PolicyKind<Kind> {
  return {
    apiVersions: CALICO_API_VERSIONS,
    objectKind,
    namespaced: !kind.endsWith('GlobalNetworkPolicy'),
    traceKind,
    sortKind: objectKind,
    tier: (policy: CalicoPolicy) => policy.tier,
    read: (namespace, name, spec) => readCalicoPolicy(kind, namespace, name, spec),
    compile: compileCalicoPolicy,
  };
}

/** The policy kinds that are evaluated. A kind without an entry does not compile: see docs/policy-evaluation.md. */
export const POLICY_KINDS: PolicyKinds = {
  NetworkPolicy: {
    apiVersions: ['networking.k8s.io/v1'],
    objectKind: 'NetworkPolicy',
    namespaced: true,
    traceKind: 'knp',
    sortKind: 'KubernetesNetworkPolicy',
    tier: () => 'default',
    read: (namespace, name, spec) => readNetworkPolicy('NetworkPolicy', namespace, name, spec),
    compile: compileNetworkPolicy,
  },
  AdminNetworkPolicy: {
    apiVersions: V1ALPHA1,
    objectKind: 'AdminNetworkPolicy',
    namespaced: false,
    traceKind: 'kanp',
    sortKind: 'KubernetesAdminNetworkPolicy',
    tier: () => 'adminnetworkpolicy',
    read: (_namespace, name, spec) => readAdminNetworkPolicy(name, spec),
    compile: compileAdminNetworkPolicy,
  },
  BaselineAdminNetworkPolicy: {
    apiVersions: V1ALPHA1,
    objectKind: 'BaselineAdminNetworkPolicy',
    namespaced: false,
    traceKind: 'kbanp',
    sortKind: 'KubernetesBaselineAdminNetworkPolicy',
    tier: () => 'baselineadminnetworkpolicy',
    read: (_namespace, name, spec) => readBaselineAdminNetworkPolicy(name, spec),
    compile: compileAdminNetworkPolicy,
  },
  ClusterNetworkPolicy: {
    apiVersions: V1ALPHA2,
    objectKind: 'ClusterNetworkPolicy',
    namespaced: false,
    traceKind: 'kcnp',
    sortKind: 'KubernetesClusterNetworkPolicy',
    tier: ({ tier }: AdminNetworkPolicy) => (tier === 'admin' ? 'kube-admin' : 'kube-baseline'),
    read: (_namespace, name, spec) => readClusterNetworkPolicy(name, spec),
    compile: compileAdminNetworkPolicy,
  },
  CalicoNetworkPolicy: calico('CalicoNetworkPolicy', 'NetworkPolicy', 'np'),
  GlobalNetworkPolicy: calico('GlobalNetworkPolicy', 'GlobalNetworkPolicy', 'gnp'),
  StagedNetworkPolicy: calico('StagedNetworkPolicy', 'StagedNetworkPolicy', 'snp'),
  StagedGlobalNetworkPolicy: calico('StagedGlobalNetworkPolicy', 'StagedGlobalNetworkPolicy', 'sgnp'),
  StagedKubernetesNetworkPolicy: {
    apiVersions: CALICO_API_VERSIONS,
    objectKind: 'StagedKubernetesNetworkPolicy',
    namespaced: true,
    traceKind: 'sknp',
    sortKind: 'StagedKubernetesNetworkPolicy',
    tier: () => 'default',
    read: (namespace, name, spec) =>
      readNetworkPolicy('StagedKubernetesNetworkPolicy', namespace, name, spec),
    compile: compileNetworkPolicy,
  },
};

/** Whether a kind of resource is a policy kind. */
export function isPolicyKind(kind: string): kind is Policy['kind'] {
  return Object.hasOwn(POLICY_KINDS, kind);
}

/** Whether a resource is a policy, of any kind. */
export function isPolicy(resource: { readonly kind: string }): resource is Policy {
  return isPolicyKind(resource.kind);
}

/**
 * Compiles a policy of any kind. Returns undefined for a staged policy with `stagedAction: Delete`: Calico
 * does not send it to its data plane, so it is not evaluated.
 */
export function compilePolicy(policy: Policy, sources: FactSources): CompiledPolicy | undefined {
  if ('staged' in policy && policy.staged === 'Delete') return undefined;
  return compileKind(policy.kind, policy, sources);
}

function compileKind<Kind extends Policy['kind']>(
  kind: Kind,
  policy: PolicyOf<Kind>,
  sources: FactSources,
): CompiledPolicy {
  return POLICY_KINDS[kind].compile(policy, sources, namesOfKind(kind, policy));
}

/** The position and the names of a policy of any kind. */
export function policyNames(policy: Policy): PolicyNames {
  return namesOfKind(policy.kind, policy);
}

function namesOfKind<Kind extends Policy['kind']>(kind: Kind, policy: PolicyOf<Kind>): PolicyNames {
  const { tier: tierOf, traceKind, sortKind } = POLICY_KINDS[kind];
  const namespace = 'namespace' in policy ? policy.namespace : '';
  const tier = tierOf(policy);
  const reference = `${traceKind}:${namespace === '' ? policy.name : `${namespace}/${policy.name}`}`;
  return {
    tier,
    sortKey: `${policy.name}/${namespace}/${sortKind}`,
    reference,
    tracePrefix: `${tier}|${reference}`,
  };
}
