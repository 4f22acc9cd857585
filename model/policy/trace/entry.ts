/** One step of a trace: what one policy did, in the order of evaluation. */
export interface TraceEntry {
  /** Place in the trace, from 0. */
  readonly index: number;
  readonly tier: string;
  readonly kind: TraceKind;
  /** Empty for what has no namespace. */
  readonly namespace: string;
  /** The policy's own name, as the text gives it, without the name of the tier before it. */
  readonly name: string;
  readonly action: TraceAction;
  /** The rule, from 0; {@link END_OF_TIER} or {@link UNKNOWN_RULE}. */
  readonly rule: number;
}

/** `unknown` stands where a rule may have matched, which could not be decided. */
export type TraceAction = 'allow' | 'deny' | 'pass' | 'unknown';

/** Calico's short names of kinds (felix `types`, policy_id.go), and those of the first admin policy API. */
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
  /** Stands for all policies of a kind that Sonde does not evaluate; the name is `Kind.group`. */
  unsupported: 'a kind of policy that Sonde does not evaluate',
} as const;

export type TraceKind = keyof typeof TRACE_KINDS;

/** No rule of the tier's policies matched: the tier's default action applied. */
export const END_OF_TIER = -1;

/** Whether a rule of the policy matched is not known. */
export const UNKNOWN_RULE = -2;

/** The tier of the entries of profiles. */
export const PROFILE_TIER = '__PROFILE__';
