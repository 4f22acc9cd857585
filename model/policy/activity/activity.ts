import type { KubernetesObject } from '../../cluster/objects.js';
import { readManifestCluster } from '../manifests/cluster.js';
import { readPolicyObject } from '../read-object.js';
import { BUILT_IN_TIERS } from '../resources/tier.js';
import type { StagedAction } from '../resources/staged-action.js';
import type { CountersByPolicy, PolicyCounters } from './policy-counters.js';

/** The tiers of a cluster from left to right, each with its policies from top to bottom. */
export interface PolicyActivity {
  readonly tiers: readonly TierActivity[];
  /** What decided that is not on the board: profiles, and policies that are there no more. */
  readonly others: readonly PolicyTraffic[];
  /** Objects that cannot be used, and so count as absent. */
  readonly problems: readonly { readonly object: KubernetesObject; readonly reason: string }[];
}

export interface TierActivity {
  readonly name: string;
  /** Whether there is such a tier, not only policies that name it. */
  readonly exists: boolean;
  readonly order: number | undefined;
  readonly defaultAction: 'deny' | 'pass';
  readonly policies: readonly ActivePolicy[];
}

export interface ActivePolicy extends PolicyTraffic {
  readonly object: KubernetesObject;
  /** Undefined for none, which is last. */
  readonly order: number | undefined;
  readonly staged: StagedAction | undefined;
  readonly directions: readonly ('ingress' | 'egress')[];
}

export interface PolicyTraffic {
  /** Tier and policy as traces name them. */
  readonly place: string;
  readonly enforced: PolicyCounters | undefined;
  /** With staged policies as if they were enforced. */
  readonly pending: PolicyCounters | undefined;
}

/** Lays out policies in the order of their evaluation, with what they did to traffic. */
export function policyActivity(
  objects: readonly KubernetesObject[],
  enforced: CountersByPolicy,
  pending: CountersByPolicy,
): PolicyActivity {
  const { cluster, problems } = readManifestCluster(objects.map(placed));
  const { evaluator, resources } = cluster;
  const byName = new Map(objects.map((object) => [tieBreakOf(object), object] as const));
  const tiers = new Map(
    [...BUILT_IN_TIERS, ...resources.filter((resource) => resource.kind === 'Tier')].map(
      (tier) => [tier.name, tier] as const,
    ),
  );
  const shown = new Set<string>();
  const hitsOf = (place: string): PolicyTraffic => {
    shown.add(place);
    return { place, enforced: enforced.get(place), pending: pending.get(place) };
  };
  const boardTiers = evaluator.tiers.map(({ name, defaultAction, policies }): TierActivity => ({
    name,
    exists: tiers.has(name),
    order: tiers.get(name)?.order,
    defaultAction,
    policies: policies.flatMap(({ sortKey, tracePrefix, order, ingress, egress }) => {
      const object = byName.get(sortKey);
      if (!object) return [];
      return {
        ...hitsOf(tracePrefix),
        object,
        order: order === Infinity ? undefined : order,
        staged: stagedActionOf(object),
        directions: [...(ingress ? ['ingress' as const] : []), ...(egress ? ['egress' as const] : [])],
      };
    }),
  }));
  const left = [...enforced.keys(), ...pending.keys()].filter((place) => !shown.has(place));
  return {
    tiers: boardTiers.filter(
      ({ name, policies }) => policies.length > 0 || !isOfOtherApi(name, tiers.get(name)),
    ),
    others: [...new Set(left)].sort().map(hitsOf),
    problems: problems.flatMap(({ object: index, field, reason }) => {
      const object = objects[index];
      return object ? [{ object, reason: `${field} ${reason}` }] : [];
    }),
  };
}

/** Built-in tiers without policies, of APIs that the cluster does not use, would only take room. */
function isOfOtherApi(name: string, tier: unknown): boolean {
  return name !== 'default' && BUILT_IN_TIERS.some((builtIn) => builtIn === tier);
}

/** An object as it is placed: a staged policy that is to delete takes part in no evaluation, but has its place. */
function placed(object: KubernetesObject): KubernetesObject {
  if (stagedActionOf(object) !== 'Delete') return object;
  const { spec } = object as KubernetesObject & { spec?: object };
  return { ...object, ...{ spec: { ...spec, stagedAction: 'Set' } } };
}

function stagedActionOf(object: KubernetesObject): StagedAction | undefined {
  const reading = readPolicyObject(object);
  return reading.is === 'resource' && 'staged' in reading.resource ? reading.resource.staged : undefined;
}

/** The text by which compiled policies of equal order are in order, which names each. */
function tieBreakOf({ apiVersion, kind, metadata }: KubernetesObject): string {
  const isKubernetes = /^(policy\.)?networking\.k8s\.io\//.test(apiVersion);
  return `${metadata.name}/${metadata.namespace ?? ''}/${isKubernetes ? 'Kubernetes' : ''}${kind}`;
}
