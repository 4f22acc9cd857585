import type { Labels, Selector } from './selector.js';

/**
 * Whether a selector matches labels. `!=` and `not in` match if the label is missing; all other comparisons do not.
 * `global()` has a meaning only as the namespace selector of a rule, where the compiler replaces it; here it matches, as in
 * Calico's own evaluator.
 */
export function selects(selector: Selector, labels: Labels): boolean {
  switch (selector.op) {
    case 'all':
    case 'global':
      return true;
    case 'has':
      return labels.has(selector.key);
    case '==':
      return labels.get(selector.key) === selector.value;
    case '!=':
      return labels.get(selector.key) !== selector.value;
    case 'contains':
      return labels.get(selector.key)?.includes(selector.value) ?? false;
    case 'starts with':
      return labels.get(selector.key)?.startsWith(selector.value) ?? false;
    case 'ends with':
      return labels.get(selector.key)?.endsWith(selector.value) ?? false;
    case 'in': {
      const value = labels.get(selector.key);
      return value !== undefined && selector.values.has(value);
    }
    case 'not in': {
      const value = labels.get(selector.key);
      return value === undefined || !selector.values.has(value);
    }
    case 'not':
      return !selects(selector.operand, labels);
    case 'and':
      for (const operand of selector.operands) if (!selects(operand, labels)) return false;
      return true;
    case 'or':
      for (const operand of selector.operands) if (selects(operand, labels)) return true;
      return false;
  }
}
