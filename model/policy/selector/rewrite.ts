import type { Selector } from './selector.js';

/** Returns the selector with every label key renamed. */
export function renameKeys(selector: Selector, rename: (key: string) => string): Selector {
  switch (selector.op) {
    case 'all':
    case 'global':
      return selector;
    case 'not':
      return { op: 'not', operand: renameKeys(selector.operand, rename) };
    case 'and':
    case 'or':
      return { op: selector.op, operands: selector.operands.map((operand) => renameKeys(operand, rename)) };
    default:
      return { ...selector, key: rename(selector.key) };
  }
}

/** Returns the selector with every `all()`, or every `global()`, replaced. */
export function replaceOperation(selector: Selector, op: 'all' | 'global', by: Selector): Selector {
  switch (selector.op) {
    case 'not':
      return { op: 'not', operand: replaceOperation(selector.operand, op, by) };
    case 'and':
    case 'or':
      return {
        op: selector.op,
        operands: selector.operands.map((operand) => replaceOperation(operand, op, by)),
      };
    default:
      return selector.op === op ? by : selector;
  }
}

/** Calls `visit` with every label key of the selector. */
export function forEachKey(selector: Selector, visit: (key: string) => void): void {
  switch (selector.op) {
    case 'all':
    case 'global':
      return;
    case 'not':
      forEachKey(selector.operand, visit);
      return;
    case 'and':
    case 'or':
      for (const operand of selector.operands) forEachKey(operand, visit);
      return;
    default:
      visit(selector.key);
  }
}

/** Whether `global()` occurs in the selector. */
export function usesGlobal(selector: Selector): boolean {
  switch (selector.op) {
    case 'not':
      return usesGlobal(selector.operand);
    case 'and':
    case 'or':
      return selector.operands.some(usesGlobal);
    default:
      return selector.op === 'global';
  }
}
