import type { FieldDeclaration } from '../record/field.js';
import { type CelNode, chain, nameOf, parseCel } from './cel.js';
import { compare, contained } from './compare.js';
import { allOf, anyOf, type Filter, type NumberOperand, not } from './filter.js';
import { durationMicros, durationText } from './durations.js';
import { call, method } from './functions.js';
import { condition, errorAt, fieldOperand, type Operand, type Typed, wrongType } from './operand.js';
import { Variables } from './variables.js';

/**
 * Reads a filter: an expression of CEL over the fields of a record, for example
 * `src.namespace == "storefront" && dst.port in [443, 8443] && action == "deny"`. docs/filter.md describes the
 * language. A blank filter matches everything.
 * @param fields the record's declared fields, from which the variables and their types follow.
 * @throws FilterError with the position and, for an unknown name, similar names.
 */
export function parseFilter(text: string, fields: readonly FieldDeclaration[]): Filter {
  if (text.trim() === '') return { kind: 'constant', value: true };
  return condition(typed(parseCel(text), new Variables(fields)));
}

/** Resolves a node with some variables. */
export function typed(node: CelNode, variables: Variables): Typed {
  return { node, operand: operandOf(node, variables) };
}

function operandOf(node: CelNode, variables: Variables): Operand {
  const conditionAt = (part: CelNode) => condition(typed(part, variables));
  switch (node.op) {
    case 'value':
      return literal(node);
    case 'id': {
      const name = nameOf(node.args);
      const duration = durationText(name);
      if (duration !== undefined) return { type: 'duration', micros: durationMicros(duration) };
      const sum = variables.sum(name);
      if (sum) return { type: 'number', number: sum };
      const variable = variables.named(name, node.start, node.end);
      return typeof variable === 'string' ? { type: 'end', end: variable } : fieldOperand(variable);
    }
    case '.':
      return member(node, typed(node.args[0], variables), nameOf(node.args[1]), variables);
    case '[]':
      return labelValue(node, typed(node.args[0], variables), typed(node.args[1], variables));
    case 'list':
      return { type: 'list', items: node.args.map((item) => typed(item, variables)) };
    case '&&':
    case '||': {
      const filters = chain(node.op, node).map(conditionAt);
      return { type: 'condition', filter: node.op === '&&' ? allOf(filters) : anyOf(filters) };
    }
    case '!_':
      return { type: 'condition', filter: not(conditionAt(node.args)) };
    case '?:': {
      const [when, then, otherwise] = node.args.map(conditionAt) as [Filter, Filter, Filter];
      return { type: 'condition', filter: { kind: 'if', when, then, otherwise } };
    }
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return {
        type: 'condition',
        filter: compare(node, node.op, typed(node.args[0], variables), typed(node.args[1], variables)),
      };
    case 'in':
      return {
        type: 'condition',
        filter: contained(node, typed(node.args[0], variables), typed(node.args[1], variables)),
      };
    case '+':
    case '-':
    case '*':
      return arithmetic(node.op, typed(node.args[0], variables), typed(node.args[1], variables));
    case '-_':
      return negative(typed(node.args, variables));
    case 'call':
      return call(nameOf(node.args[0]), { node, parts: node.args[1], variables, typed });
    case 'rcall':
      return method(nameOf(node.args[0]), { node, parts: [node.args[1], ...node.args[2]], variables, typed });
    case '/':
    case '%':
      throw errorAt(
        node,
        `there is no ${node.op}: multiply the other side, as in bytes_out > 1000 * packets_out`,
      );
    default:
      throw errorAt(node, 'filters do not support maps and optional values');
  }
}

function literal(node: CelNode & { op: 'value' }): Operand {
  const value = node.args;
  if (typeof value === 'string') return { type: 'quoted', value };
  if (typeof value === 'boolean') return { type: 'condition', filter: { kind: 'constant', value } };
  if (typeof value === 'bigint') return whole(node, value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value))
      throw errorAt(node, 'numbers must be integers, up to 2^53 in this notation');
    return whole(node, BigInt(value));
  }
  if (value === null) throw errorAt(node, 'there is no null: unknown values are empty or 0');
  if (value instanceof Uint8Array)
    throw errorAt(node, 'filters do not support bytes; write a string without the b');
  return whole(node, value.value);
}

function whole(node: CelNode, value: bigint): Operand {
  if (value < -(2n ** 63n) || value >= 2n ** 64n) {
    throw errorAt(node, 'numbers must be from -2^63 to 2^64 - 1');
  }
  return { type: 'number', number: { kind: 'literal', value, isTime: false } };
}

function negative(typed: Typed): Operand {
  const { operand, node } = typed;
  if (operand.type !== 'number') throw wrongType(typed, 'a number');
  const { number } = operand;
  if (number.kind === 'literal') return whole(node, -number.value);
  const zero: NumberOperand = { kind: 'literal', value: 0n, isTime: false };
  return { type: 'number', number: { kind: 'arithmetic', operator: '-', left: zero, right: number } };
}

function arithmetic(operator: '+' | '-' | '*', left: Typed, right: Typed): Operand {
  if (left.operand.type !== 'number') throw wrongType(left, 'a number');
  if (right.operand.type !== 'number') throw wrongType(right, 'a number');
  const [a, b] = [left.operand.number, right.operand.number];
  return { type: 'number', number: { kind: 'arithmetic', operator, left: a, right: b } };
}

/** `src.namespace`, or `src.labels.app`. */
function member(node: CelNode, of: Typed, name: string, variables: Variables): Operand {
  const { operand } = of;
  if (operand.type === 'end') {
    return fieldOperand(variables.member(operand.end, name, node.end - name.length, node.end));
  }
  const labels = labelsOf(operand);
  if (labels) return { type: 'string', string: { kind: 'label', field: labels, key: name } };
  throw errorAt(node, `this has no member ${name}`);
}

/** `src.labels["app"]`. */
function labelValue(node: CelNode, of: Typed, key: Typed): Operand {
  const labels = labelsOf(of.operand);
  if (!labels) throw errorAt(node, 'only labels can be indexed, as in src.labels["app"]');
  return { type: 'string', string: { kind: 'label', field: labels, key: labelKey(key) } };
}

/**
 * The key of a label.
 * @throws FilterError if it is not a valid label key.
 */
function labelKey(key: Typed): string {
  const { operand, node } = key;
  if (operand.type !== 'quoted') throw wrongType(key, 'a quoted label key');
  if (!/^[^,=]+$/.test(operand.value)) throw errorAt(node, 'this is not a valid label key');
  return operand.value;
}

function labelsOf(operand: Operand): FieldDeclaration | undefined {
  if (operand.type !== 'string' || operand.string.kind !== 'field') return undefined;
  return operand.string.field.form === 'labels' ? operand.string.field : undefined;
}
