/**
 * A parsed selector of Calico's selector language (projectcalico.org/v3). Kubernetes label selectors are
 * converted to the same form, so that one evaluator serves every policy API.
 */
export type Selector =
  | { readonly op: 'all' }
  | { readonly op: 'global' }
  | { readonly op: 'has'; readonly key: string }
  | { readonly op: ComparisonOperator; readonly key: string; readonly value: string }
  | { readonly op: MembershipOperator; readonly key: string; readonly values: ReadonlySet<string> }
  | { readonly op: 'not'; readonly operand: Selector }
  | { readonly op: 'and' | 'or'; readonly operands: readonly Selector[] };

export type ComparisonOperator = '==' | '!=' | 'contains' | 'starts with' | 'ends with';

export type MembershipOperator = 'in' | 'not in';

/** Labels, as selectors are evaluated on them. */
export type Labels = ReadonlyMap<string, string>;

/** Selects everything. */
export const SELECT_ALL: Selector = { op: 'all' };

/** The conjunction of selectors, without those that select everything. */
export function both(...selectors: readonly Selector[]): Selector {
  const operands = selectors.filter(({ op }) => op !== 'all');
  const [only] = operands;
  if (only === undefined) return SELECT_ALL;
  return operands.length === 1 ? only : { op: 'and', operands };
}

/** A text that is not a valid selector. */
export class SelectorError extends Error {
  override readonly name = 'SelectorError';
  constructor(
    message: string,
    /** Where in the text, in characters from 0. */
    readonly position: number,
  ) {
    super(message);
  }
}
