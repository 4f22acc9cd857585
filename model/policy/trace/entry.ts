/** A step of a trace: the action of one policy, in the order of evaluation. */
export interface TraceEntry {
  /** Index in the trace, from 0. */
  readonly index: number;
  readonly tier: string;
  readonly kind: TraceKind;
  /** Empty for cluster-scoped policies. */
  readonly namespace: string;
  /** The policy's name without the tier prefix. */
  readonly name: string;
  readonly action: TraceAction;
  /** The rule, from 0; {@link END_OF_TIER} or {@link UNKNOWN_RULE}. */
  readonly rule: number;
}

/** `unknown` means that it is undecided whether a rule matched. */
export type TraceAction = 'allow' | 'deny' | 'pass' | 'unknown';

/** Calico's short names of kinds (felix `types`, policy_id.go), and those of AdminNetworkPolicy. */
export const TRACE_KINDS = {
  np: 'NetworkPolicy of Calico',
  gnp: 'GlobalNetworkPolicy',
  snp: 'StagedNetworkPolicy',
  sgnp: 'StagedGlobalNetworkPolicy',
  knp: 'NetworkPolicy',
  sknp: 'StagedKubernetesNetworkPolicy',
  kanp: 'AdminNetworkPolicy',
  kbanp: 'BaselineAdminNetworkPolicy',
  kcnp: 'ClusterNetworkPolicy',
  pro: 'Profile',
  /** Represents all policies of a kind that Sonde does not evaluate; the name is `Kind.group`. */
  unsupported: 'a kind of policy that Sonde does not evaluate',
  /** Stands for all policies of a kind that could not be listed; the name is `Kind.group`. */
  unread: 'a kind of policy that could not be listed',
} as const;

export type TraceKind = keyof typeof TRACE_KINDS;

/** No rule of the tier's policies matched: the tier's default action applied. */
export const END_OF_TIER = -1;

/** It is undecided whether a rule of the policy matched. */
export const UNKNOWN_RULE = -2;

/** The tier of profile entries. */
export const PROFILE_TIER = '__PROFILE__';
