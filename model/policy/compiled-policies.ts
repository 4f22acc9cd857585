import { compileCalicoRule } from './compile/calico-rule.js';
import { compilePolicy, type Policy } from './policy-kinds.js';
import { Dependencies } from './compile/dependencies.js';
import type { CompiledPolicy, CompiledRule, CompiledTier } from './compile/compiled-policy.js';
import type { FactSources } from './compile/fact-sources.js';
import type { Direction } from './evaluate/program.js';
import type { Profile } from './resources/endpoints.js';
import { BUILT_IN_TIERS, type Tier } from './resources/tier.js';

interface TierState {
  /** Undefined for a tier that policies refer to but that does not exist. */
  tier: Tier | undefined;
  readonly policies: CompiledPolicy[];
}

/** The compiled policies of the cluster, in the order of evaluation. */
export class CompiledPolicies {
  readonly dependencies = new Dependencies();
  readonly #sources: FactSources;
  readonly #tiers = new Map<string, TierState>();
  readonly #compiled = new Map<string, CompiledPolicy>();
  readonly #profiles = new Map<string, { ingress: CompiledRule[]; egress: CompiledRule[] }>();
  #ordered: readonly CompiledTier[] | undefined;
  readonly #ofNamespace = new Map<string, readonly CompiledTier[]>();

  constructor(sources: FactSources) {
    this.#sources = sources;
    for (const tier of BUILT_IN_TIERS) this.#tiers.set(tier.name, { tier, policies: [] });
  }

  /** Number of policies. */
  get size(): number {
    return this.#compiled.size;
  }

  /** The tiers in order of evaluation; tiers that do not exist come last. */
  get tiers(): readonly CompiledTier[] {
    this.#ordered ??= [...this.#tiers]
      .sort(([nameA, a], [nameB, b]) => tierOrder(a.tier, b.tier) || (nameA < nameB ? -1 : 1))
      .map(([name, { tier, policies }]) => ({
        name,
        defaultAction: tier?.defaultAction ?? 'deny',
        policies,
      }));
    return this.#ordered;
  }

  /** The tiers with only the policies that may apply in a namespace; without one, those for hosts. */
  tiersOf(namespace: string | undefined): readonly CompiledTier[] {
    const key = namespace ?? '';
    let tiers = this.#ofNamespace.get(key);
    if (!tiers) {
      tiers = this.tiers.map((tier) => ({
        ...tier,
        policies: tier.policies.filter(({ subject }) => (subject.namespace ?? namespace) === namespace),
      }));
      this.#ofNamespace.set(key, tiers);
    }
    return tiers;
  }

  /** Names of tiers that policies refer to but that do not exist. */
  get missingTiers(): string[] {
    return [...this.#tiers].filter(([, { tier }]) => !tier).map(([name]) => name);
  }

  /** Adds or replaces a policy; returns its previous and its new compiled form. */
  set(policy: Policy): CompiledPolicy[] {
    const before = this.delete(policy.kind, namespaceOf(policy), policy.name);
    const compiled = compilePolicy(policy, this.#sources);
    if (!compiled) return before;
    this.#compiled.set(keyOf(policy.kind, namespaceOf(policy), policy.name), compiled);
    const { policies } = this.#tier(compiled.tier);
    policies.splice(insertionPoint(policies, compiled), 0, compiled);
    this.#ofNamespace.clear();
    return [...before, compiled];
  }

  /** Removes a policy; returns its compiled form. */
  delete(kind: Policy['kind'], namespace: string, name: string): CompiledPolicy[] {
    const key = keyOf(kind, namespace, name);
    const compiled = this.#compiled.get(key);
    if (!compiled) return [];
    this.#compiled.delete(key);
    const state = this.#tier(compiled.tier);
    state.policies.splice(state.policies.indexOf(compiled), 1);
    this.#ofNamespace.clear();
    if (!state.tier && state.policies.length === 0) {
      this.#tiers.delete(compiled.tier);
      this.#reorder();
    }
    return [compiled];
  }

  setTier(tier: Tier): void {
    this.#tier(tier.name).tier = tier;
    this.#reorder();
  }

  deleteTier(name: string): void {
    const builtIn = BUILT_IN_TIERS.find((tier) => tier.name === name);
    const state = this.#tier(name);
    state.tier = builtIn;
    if (!builtIn && state.policies.length === 0) this.#tiers.delete(name);
    this.#reorder();
  }

  setProfile(profile: Profile): void {
    const compile = (direction: Direction) =>
      profile[direction].map((rule, index) => compileCalicoRule(rule, index, direction, '', this.#sources));
    const compiled = { ingress: compile('ingress'), egress: compile('egress') };
    this.dependencies.addRules([...compiled.ingress, ...compiled.egress]);
    this.#profiles.set(profile.name, compiled);
  }

  deleteProfile(name: string): void {
    this.#profiles.delete(name);
  }

  readonly profileRules = (name: string, direction: Direction): readonly CompiledRule[] | undefined =>
    this.#profiles.get(name)?.[direction];

  #reorder(): void {
    this.#ordered = undefined;
    this.#ofNamespace.clear();
  }

  #tier(name: string): TierState {
    let state = this.#tiers.get(name);
    if (!state) {
      state = { tier: undefined, policies: [] };
      this.#tiers.set(name, state);
      this.#reorder();
    }
    return state;
  }
}

function namespaceOf(policy: Policy): string {
  return 'namespace' in policy ? policy.namespace : '';
}

function keyOf(kind: Policy['kind'], namespace: string, name: string): string {
  return `${kind}/${namespace}/${name}`;
}

/** Existing tiers first; then by order, tiers without an order last (felix `calc`, policy_sorter.go). */
function tierOrder(a: Tier | undefined, b: Tier | undefined): number {
  if (!a || !b) return Number(!a) - Number(!b);
  return compareOrder(a.order ?? Infinity, b.order ?? Infinity);
}

function compareOrder(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The index at which to insert a policy into a sorted list: by order, then by name, namespace and kind. */
function insertionPoint(policies: readonly CompiledPolicy[], policy: CompiledPolicy): number {
  let from = 0;
  let to = policies.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const other = policies[middle];
    if (other && isBefore(other, policy)) from = middle + 1;
    else to = middle;
  }
  return from;
}

function isBefore(a: CompiledPolicy, b: CompiledPolicy): boolean {
  const byOrder = compareOrder(a.order, b.order);
  return byOrder === 0 ? a.sortKey < b.sortKey : byOrder < 0;
}
