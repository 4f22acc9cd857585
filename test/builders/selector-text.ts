import type { Selector } from '@sonde/model/policy/selector/selector';

/**
 * The canonical text of a selector: one spelling for all texts that parse to the same operations (single
 * blanks, sets sorted, `&&` and `||` groups in parentheses, double quotes unless the value holds one).
 */
export function formatSelector(selector: Selector): string {
  switch (selector.op) {
    case 'all':
    case 'global':
      return `${selector.op}()`;
    case 'has':
      return `has(${selector.key})`;
    case 'in':
    case 'not in':
      return `${selector.key} ${selector.op} {${[...selector.values].sort().map(quoted).join(', ')}}`;
    case 'not':
      return `!${formatSelector(selector.operand)}`;
    case 'and':
      return `(${selector.operands.map(formatSelector).join(' && ')})`;
    case 'or':
      return `(${selector.operands.map(formatSelector).join(' || ')})`;
    default:
      return `${selector.key} ${selector.op} ${quoted(selector.value)}`;
  }
}

function quoted(value: string): string {
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
