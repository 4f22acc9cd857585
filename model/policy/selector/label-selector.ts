import { SELECT_ALL, both, type Selector } from './selector.js';

/** A Kubernetes label selector (meta/v1 LabelSelector), validated. */
export interface LabelSelector {
  readonly matchLabels: Readonly<Record<string, string>>;
  readonly matchExpressions: readonly LabelExpression[];
}

export interface LabelExpression {
  readonly key: string;
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  readonly values: readonly string[];
}

/**
 * Converts a Kubernetes label selector: all requirements must match; an empty one selects all. NotIn and
 * DoesNotExist match if the key is missing (meta/v1 LabelSelectorRequirement).
 */
export function fromLabelSelector({ matchLabels, matchExpressions }: LabelSelector): Selector {
  const equalities = Object.entries(matchLabels).map(([key, value]): Selector => ({ op: '==', key, value }));
  return both(SELECT_ALL, ...equalities, ...matchExpressions.map(fromExpression));
}

function fromExpression({ key, operator, values }: LabelExpression): Selector {
  switch (operator) {
    case 'In':
      return { op: 'in', key, values: new Set(values) };
    case 'NotIn':
      return { op: 'not in', key, values: new Set(values) };
    case 'Exists':
      return { op: 'has', key };
    case 'DoesNotExist':
      return { op: 'not', operand: { op: 'has', key } };
  }
}
