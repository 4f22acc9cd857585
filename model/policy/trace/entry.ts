/** One step of a trace: what one policy did, in the order of evaluation. */
export interface TraceEntry {
  readonly tier: string;
  /** `kind:namespace/name` or `kind:name`, with Calico's short kinds. */
  readonly policy: string;
  readonly action: TraceAction;
  /** The rule, from 0; {@link END_OF_TIER} or {@link UNDECIDED}. */
  readonly rule: number;
}

/** `unknown` stands where a rule may have matched, which could not be decided. */
export type TraceAction = 'allow' | 'deny' | 'pass' | 'unknown';

/** No rule of the tier's policies matched: the tier's default action applied. */
export const END_OF_TIER = -1;

/** Whether a rule of the policy matched is not known. */
export const UNDECIDED = -2;

/** The tier of the entries of profiles. */
export const PROFILE_TIER = '__PROFILE__';

/** An entry's text, in the form of Calico 3.32 and later: `index|tier|kind:namespace/name|action|rule`. */
export function formatEntry({ tier, policy, action, rule }: TraceEntry, index: number): string {
  return `${index}|${tier}|${policy}|${action}|${rule}`;
}
