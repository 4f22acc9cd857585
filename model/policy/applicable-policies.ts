import type { PolicyEvaluator } from './evaluator.js';
import type { Direction } from './evaluate/program.js';

/** A policy that applies to an endpoint. */
export interface ApplicablePolicy {
  readonly direction: Direction;
  readonly tier: string;
  /** The policy as in traces: `kind:namespace/name`. */
  readonly policy: string;
  /** Undefined for policies without an order, which come last. */
  readonly order: number | undefined;
  readonly staged: boolean;
  readonly rules: number;
  /** The action for connections that no rule of the tier matches. */
  readonly tierDefault: 'deny' | 'pass';
}

/** The policies that apply to an identity, egress first, in the order of evaluation. */
export function applicablePolicies(evaluator: PolicyEvaluator, identity: number): ApplicablePolicy[] {
  return (['egress', 'ingress'] as const).flatMap((direction) =>
    (evaluator.program(identity, direction)?.tiers ?? []).flatMap(({ name, defaultAction, policies }) =>
      policies.map(({ policy, rules }) => ({
        ...{ direction, tier: name, policy: policy.reference },
        order: Number.isFinite(policy.order) ? policy.order : undefined,
        ...{ staged: policy.staged, rules: rules.length, tierDefault: defaultAction },
      })),
    ),
  );
}
