import type { Fields } from './fields.js';

/** Tier (projectcalico.org/v3): a group of policies that is consulted as a whole. */
export interface Tier {
  readonly kind: 'Tier';
  readonly name: string;
  /** Lower first; undefined last. */
  readonly order: number | undefined;
  /** What becomes of connections that no rule of the tier's policies matched. */
  readonly defaultAction: 'deny' | 'pass';
}

/** The tiers that every cluster has. Those of the first admin policy API stand where Calico put them. */
export const BUILT_IN_TIERS: readonly Tier[] = [
  { kind: 'Tier', name: 'adminnetworkpolicy', order: 1_000, defaultAction: 'pass' },
  { kind: 'Tier', name: 'kube-admin', order: 1_000, defaultAction: 'pass' },
  { kind: 'Tier', name: 'default', order: 1_000_000, defaultAction: 'deny' },
  { kind: 'Tier', name: 'baselineadminnetworkpolicy', order: 10_000_000, defaultAction: 'pass' },
  { kind: 'Tier', name: 'kube-baseline', order: 10_000_000, defaultAction: 'pass' },
];

const ACTIONS = { Deny: 'deny', Pass: 'pass' } as const;

/** Reads the `spec` of a tier. What is fixed for a built-in tier may be left out, not changed. */
export function readTier(name: string, spec: Fields): Tier {
  spec.only(['order', 'defaultAction']);
  const builtIn = BUILT_IN_TIERS.find((tier) => tier.name === name);
  const action = spec.oneOf('defaultAction', ['Deny', 'Pass']);
  const defaultAction = action ? ACTIONS[action] : (builtIn?.defaultAction ?? 'deny');
  const order = spec.number('order') ?? builtIn?.order;
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 63) {
    spec.problem(
      '',
      'the name of a tier must be of lower-case letters, digits and "-", at most 63 characters',
    );
  }
  if (builtIn && order !== builtIn.order) {
    spec.problem('order', `of the tier ${name} is always ${builtIn.order ?? 'absent'}`);
  }
  if (builtIn && defaultAction !== builtIn.defaultAction) {
    spec.problem(
      'defaultAction',
      `of the tier ${name} is always ${builtIn.defaultAction === 'deny' ? 'Deny' : 'Pass'}`,
    );
  }
  return { kind: 'Tier', name, order, defaultAction };
}
