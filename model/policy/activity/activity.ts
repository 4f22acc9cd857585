import type { KubernetesObject } from '../../cluster/objects.js';
import { readManifestCluster } from '../manifests/cluster.js';
import { isPolicy, policyNames } from '../policy-kinds.js';
import { readPolicyObject } from '../read-object.js';
import { BUILT_IN_TIERS } from '../resources/tier.js';
import type { StagedAction } from '../resources/staged-action.js';
import type { CountersByPolicy, PolicyCounters } from './policy-counters.js';

/** The tiers of a cluster from left to right, each with its policies from top to bottom. */
export interface PolicyActivity {
  readonly tiers: readonly TierActivity[];
  /** Traffic of profiles, and of policies that no longer exist. */
  readonly others: readonly PolicyTraffic[];
  /** Objects that are invalid and therefore ignored. */
  readonly problems: readonly { readonly object: KubernetesObject; readonly reason: string }[];
}

export interface TierActivity {
  readonly name: string;
  /** False for a tier that only policies refer to. */
  readonly exists: boolean;
  readonly order: number | undefined;
  readonly defaultAction: 'deny' | 'pass';
  readonly policies: readonly ActivePolicy[];
}

export interface ActivePolicy extends PolicyTraffic {
  readonly object: KubernetesObject;
  /** Undefined for policies without an order, which come last. */
  readonly order: number | undefined;
  readonly staged: StagedAction | undefined;
  readonly directions: readonly ('ingress' | 'egress')[];
}

export interface PolicyTraffic {
  /** Tier and policy as in traces, such as `default|knp:shop/web`. */
  readonly place: string;
  readonly enforced: PolicyCounters | undefined;
  /** The same with staged policies as if they were enforced. */
  readonly pending: PolicyCounters | undefined;
}

/** The policies among `objects` in the order of their evaluation, each with the traffic that it decided. */
export function policyActivity(
  objects: readonly KubernetesObject[],
  enforced: CountersByPolicy,
  pending: CountersByPolicy,
): PolicyActivity {
  const { cluster, problems } = readManifestCluster(objects.map(asEvaluated));
  const { evaluator, resources } = cluster;
  const byName = new Map(objects.map((object) => [sortKeyOf(object), object] as const));
  const tiers = new Map(
    [...BUILT_IN_TIERS, ...resources.filter((resource) => resource.kind === 'Tier')].map(
      (tier) => [tier.name, tier] as const,
    ),
  );
  const shown = new Set<string>();
  const trafficOf = (place: string): PolicyTraffic => {
    shown.add(place);
    return { place, enforced: enforced.get(place), pending: pending.get(place) };
  };
  const tiersInOrder = evaluator.tiers.map(({ name, defaultAction, policies }): TierActivity => ({
    name,
    exists: tiers.has(name),
    order: tiers.get(name)?.order,
    defaultAction,
    policies: policies.flatMap(({ sortKey, tracePrefix, order, ingress, egress }) => {
      const object = byName.get(sortKey);
      if (!object) return [];
      return {
        ...trafficOf(tracePrefix),
        object,
        order: order === Infinity ? undefined : order,
        staged: stagedActionOf(object),
        directions: [...(ingress ? ['ingress' as const] : []), ...(egress ? ['egress' as const] : [])],
      };
    }),
  }));
  const remaining = [...enforced.keys(), ...pending.keys()].filter((place) => !shown.has(place));
  return {
    tiers: tiersInOrder.filter(
      ({ name, policies }) => policies.length > 0 || !isUnusedBuiltIn(name, tiers.get(name)),
    ),
    others: [...new Set(remaining)].sort().map(trafficOf),
    problems: problems.flatMap(({ object: index, field, reason }) => {
      const object = objects[index];
      return object ? [{ object, reason: `${field} ${reason}` }] : [];
    }),
  };
}

/** Whether a tier is a built-in tier of an API that the cluster may not use. */
function isUnusedBuiltIn(name: string, tier: unknown): boolean {
  return name !== 'default' && BUILT_IN_TIERS.some((builtIn) => builtIn === tier);
}

/** The object in the form that gives it a position: a staged policy with action Delete is not evaluated, but is listed. */
function asEvaluated(object: KubernetesObject): KubernetesObject {
  if (stagedActionOf(object) !== 'Delete') return object;
  const { spec } = object as KubernetesObject & { spec?: object };
  return { ...object, ...{ spec: { ...spec, stagedAction: 'Set' } } };
}

function stagedActionOf(object: KubernetesObject): StagedAction | undefined {
  const reading = readPolicyObject(object);
  return reading.is === 'resource' && 'staged' in reading.resource ? reading.resource.staged : undefined;
}

/** The `sortKey` of the object's compiled policy; undefined if it is not a valid policy. */
function sortKeyOf(object: KubernetesObject): string | undefined {
  const reading = readPolicyObject(object);
  return reading.is === 'resource' && isPolicy(reading.resource)
    ? policyNames(reading.resource).sortKey
    : undefined;
}
