import { protocolNumber } from '../net/protocol.js';
import type { CelNode } from './cel.js';
import { anyOf, type ComparisonOperator, type Filter, not, type NumberOperand } from './filter.js';
import { nearestNames } from './nearest-names.js';
import {
  addressRange,
  errorAt,
  type Operand,
  stringLiteral,
  type Typed,
  TYPE_NAMES,
  wrongType,
} from './operand.js';

type Of<Type extends Operand['type']> = Extract<Operand, { type: Type }>;

/**
 * `left operator right`. Only numbers and times are ordered.
 * @throws FilterError if the two cannot be compared.
 */
export function compare(node: CelNode, operator: ComparisonOperator, left: Typed, right: Typed): Filter {
  const numbers = numberPair(left, right);
  if (numbers) return { kind: 'comparison', operator, left: numbers[0], right: numbers[1] };
  if (operator !== '==' && operator !== '!=') {
    throw errorAt(node, 'only numbers and times can be compared with <, <=, > and >=');
  }
  const equal = equality(left, right) ?? equality(right, left);
  if (!equal) throw mismatch(node, left, right);
  return operator === '==' ? equal : not(equal);
}

/**
 * `value in list`.
 * @throws FilterError if the list cannot hold such values.
 */
export function contained(node: CelNode, value: Typed, list: Typed): Filter {
  const { operand } = list;
  if (operand.type === 'list') return among(node, value, operand.items);
  if (operand.type === 'string' && operand.string.kind === 'field') {
    const { field } = operand.string;
    const { string } = operand;
    if (field.form === 'labels') {
      const key = stringLiteral(value);
      if (key === '' || /[,=]/.test(key)) return { kind: 'constant', value: false };
      return { kind: 'string', operand: string, test: { kind: 'hasLabel', key } };
    }
    if (field.form === 'list') {
      const item = stringLiteral(value);
      if (item === '' || item.includes(',')) return { kind: 'constant', value: false };
      return { kind: 'string', operand: string, test: { kind: 'hasItem', item } };
    }
  }
  throw wrongType(list, 'a list, as in ["a", "b"],');
}

/** `value in [items]`: equal to any of them, as one test also for long lists. */
function among(node: CelNode, value: Typed, items: readonly Typed[]): Filter {
  const { operand } = value;
  if (items.length === 0) return { kind: 'constant', value: false };
  switch (operand.type) {
    case 'string':
      return {
        kind: 'string',
        operand: operand.string,
        test: { kind: 'oneOf', values: items.map(stringLiteral) },
      };
    case 'enumeration': {
      const values = items.map((item) => valueOf(operand, item));
      return { kind: 'enumeration', field: operand.field, values };
    }
    case 'address':
      return { kind: 'address', field: operand.field, ranges: items.map(addressRange) };
    case 'number':
      if (operand.number.kind === 'field') return numbersIn(operand.number, value, items);
  }
  return anyOf(items.map((item) => compare(node, '==', value, item)));
}

function numbersIn(number: NumberOperand & { kind: 'field' }, value: Typed, items: readonly Typed[]): Filter {
  const { field } = number;
  const limit = 2n ** BigInt(field.type.slice('uint'.length));
  const values = items.map((item) => {
    const [, other] = numberPair(value, item) ?? [];
    if (other?.kind !== 'literal') throw wrongType(item, 'a number');
    return other.value;
  });
  return { kind: 'numbers', field, values: values.filter((one) => one >= 0n && one < limit) };
}

/** Both operands as numbers or as times, if they are; protocols may also be names. */
function numberPair(left: Typed, right: Typed): [NumberOperand, NumberOperand] | undefined {
  const [a, b] = [left.operand, right.operand];
  if ((a.type === 'number' || a.type === 'time') && a.type === b.type) return [a.number, b.number];
  if (a.type === 'number' && b.type === 'duration') {
    const literal = durationIn(a, b);
    if (literal) return [a.number, literal];
  }
  if (a.type === 'duration' && b.type === 'number') {
    const literal = durationIn(b, a);
    if (literal) return [literal, b.number];
  }
  if (a.type === 'number' && b.type === 'quoted') {
    const protocol = protocolOf(a, b, right);
    if (protocol) return [a.number, protocol];
  }
  if (b.type === 'number' && a.type === 'quoted') {
    const protocol = protocolOf(b, a, left);
    if (protocol) return [protocol, b.number];
  }
  return undefined;
}

/** A duration in the unit of a field, undefined if the number is not a duration. */
function durationIn({ number }: Of<'number'>, { micros }: Of<'duration'>): NumberOperand | undefined {
  if (number.kind !== 'field') return undefined;
  if (number.field.unit === 'microseconds') return { kind: 'literal', value: micros, isTime: false };
  return number.field.unit === 'seconds'
    ? { kind: 'literal', value: micros / 1_000_000n, isTime: false }
    : undefined;
}

function protocolOf({ number }: Of<'number'>, { value }: Of<'quoted'>, at: Typed): NumberOperand | undefined {
  if (number.kind !== 'field' || number.field.name !== 'protocol') return undefined;
  const protocol = protocolNumber(value);
  if (protocol === undefined) {
    throw errorAt(
      at.node,
      `"${value}" is not a protocol: write "tcp", "udp", "icmp", "icmpv6", "sctp" or a number`,
    );
  }
  return { kind: 'literal', value: BigInt(protocol), isTime: false };
}

/** The condition that both are equal, by the type of the first; undefined if the types cannot be compared. */
function equality(left: Typed, right: Typed): Filter | undefined {
  const [a, b] = [left.operand, right.operand];
  switch (a.type) {
    case 'string':
      if (b.type === 'string') return { kind: 'sameString', left: a.string, right: b.string };
      return b.type === 'quoted'
        ? { kind: 'string', operand: a.string, test: { kind: 'oneOf', values: [b.value] } }
        : undefined;
    case 'quoted':
      return b.type === 'quoted' ? { kind: 'constant', value: a.value === b.value } : undefined;
    case 'enumeration':
      if (b.type === 'enumeration') return { kind: 'sameEnumeration', left: a.field, right: b.field };
      return b.type === 'quoted'
        ? { kind: 'enumeration', field: a.field, values: [valueOf(a, right)] }
        : undefined;
    case 'address':
      if (b.type === 'address') return { kind: 'sameAddress', left: a.field, right: b.field };
      return b.type === 'quoted'
        ? { kind: 'address', field: a.field, ranges: [addressRange(right)] }
        : undefined;
    case 'condition':
      if (b.type !== 'condition') return undefined;
      return { kind: 'same', left: a.filter, right: b.filter };
    default:
      return undefined;
  }
}

function valueOf({ field }: Of<'enumeration'>, typed: Typed): string {
  const value = stringLiteral(typed);
  const values = field.values ?? [];
  if (values.includes(value)) return value;
  throw errorAt(
    typed.node,
    `${field.name} is one of ${values.join(', ')}, never "${value}"`,
    nearestNames(value, values),
  );
}

function mismatch(node: CelNode, left: Typed, right: Typed) {
  const [a, b] = [left, right].map(({ operand }) => TYPE_NAMES[operand.type]);
  return errorAt(node, `${a} and ${b} cannot be compared${mismatchHint(left.operand, right.operand)}`);
}

function mismatchHint(left: Operand, right: Operand): string {
  const operands = [left, right];
  if (operands.some(({ type }) => type === 'time')) return ': write timestamp("2026-03-01T12:00:00Z")';
  const quoted = operands.find((operand) => operand.type === 'quoted');
  const isNumber = operands.some(({ type }) => type === 'number');
  return isNumber && quoted && /^\d+$/.test(quoted.value) ? `: write ${quoted.value} without quotes` : '';
}
