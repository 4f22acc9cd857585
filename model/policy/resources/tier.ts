import type { Fields } from './fields.js';

/** Tier (projectcalico.org/v3): a group of policies. */
export interface Tier {
  readonly kind: 'Tier';
  readonly name: string;
  /** Lower first; undefined last. */
  readonly order: number | undefined;
  /** The action for connections that no rule of the tier's policies matches. */
  readonly defaultAction: 'deny' | 'pass';
}

/** The tiers that every cluster has. Those of AdminNetworkPolicy have the order that Calico gives them. */
export const BUILT_IN_TIERS: readonly Tier[] = [
  { kind: 'Tier', name: 'adminnetworkpolicy', order: 1_000, defaultAction: 'pass' },
  { kind: 'Tier', name: 'kube-admin', order: 1_000, defaultAction: 'pass' },
  { kind: 'Tier', name: 'default', order: 1_000_000, defaultAction: 'deny' },
  { kind: 'Tier', name: 'baselineadminnetworkpolicy', order: 10_000_000, defaultAction: 'pass' },
  { kind: 'Tier', name: 'kube-baseline', order: 10_000_000, defaultAction: 'pass' },
];

const ACTIONS = { Deny: 'deny', Pass: 'pass' } as const;

/** Reads the `spec` of a tier. Fixed fields of built-in tiers may be omitted, but not changed. */
export function readTier(name: string, spec: Fields): Tier {
  spec.allowOnly(['order', 'defaultAction']);
  const builtIn = BUILT_IN_TIERS.find((tier) => tier.name === name);
  const action = spec.oneOf('defaultAction', ['Deny', 'Pass']);
  const defaultAction = action ? ACTIONS[action] : (builtIn?.defaultAction ?? 'deny');
  const order = spec.number('order') ?? builtIn?.order;
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) || name.length > 63) {
    spec.problem('', 'the name of a tier must consist of at most 63 lower-case letters, digits and "-"');
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
