/** What a policy did in a time range, by action. */
export interface PolicyHits {
  readonly actions: Readonly<Record<string, { flows: number; connections: number; bytes: number }>>;
  readonly rules: readonly RuleHits[];
}

export interface RuleHits {
  readonly direction: 'egress' | 'ingress';
  /** Index of the rule; -1 for the end of the tier. */
  readonly rule: number;
  readonly action: string;
  readonly flows: number;
  readonly connections: number;
  readonly bytes: number;
}

/** A Kubernetes object as plain data. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** A policy as `GET /api/v1/policies` gives it. */
export interface Policy {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly order?: number;
  readonly directions: readonly string[];
  readonly manifest: Manifest;
  /** `tier|reference`, as traces name the policy. */
  readonly place: string;
  readonly staged?: boolean;
  readonly hits?: PolicyHits;
  readonly pendingHits?: PolicyHits;
  readonly neverHit: boolean;
  readonly lastHit?: string;
}

export interface Tier {
  readonly name: string;
  readonly exists: boolean;
  readonly defaultAction: string;
  readonly policies: readonly Policy[];
}

/** All policies of a cluster, tiers in the order in which they are evaluated. */
export interface PolicyOverview {
  readonly cluster: string;
  readonly tiers: readonly Tier[];
}

/** The policy that a step of a trace names. */
export function policyOfStep(
  overview: PolicyOverview,
  step: { readonly tier: string; readonly policy: string },
): Policy | undefined {
  const place = `${step.tier}|${step.policy}`;
  return overview.tiers.flatMap(({ policies }) => policies).find((policy) => policy.place === place);
}

/** A rule of a policy, as it stands in the manifest; undefined for the end of a tier. */
export function ruleOf({ manifest }: Policy, direction: 'egress' | 'ingress', rule: number): unknown {
  const rules = manifest.spec?.[direction];
  return Array.isArray(rules) && rule >= 0 ? (rules as unknown[])[rule] : undefined;
}

/** `namespace/name` of a policy, or its name. */
export function policyTitle({ namespace, name }: Pick<Policy, 'namespace' | 'name'>): string {
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}
