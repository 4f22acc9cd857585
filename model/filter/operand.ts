import { AddressError, parseAddress } from '../net/address.js';
import { parsePrefix } from '../net/prefix.js';
import type { FieldDeclaration } from '../record/field.js';
import type { CelNode } from './cel.js';
import { FilterError } from './errors.js';
import type { AddressRange, Filter, NumberOperand, StringOperand } from './filter.js';
import type { Side } from './variables.js';

/** A part of a filter whose type is known. */
export type Operand =
  | { readonly type: 'condition'; readonly filter: Filter }
  | { readonly type: 'number'; readonly number: NumberOperand }
  | { readonly type: 'time'; readonly number: NumberOperand }
  | { readonly type: 'duration'; readonly micros: bigint }
  | { readonly type: 'string'; readonly string: StringOperand }
  | { readonly type: 'quoted'; readonly value: string }
  | { readonly type: 'enumeration'; readonly field: FieldDeclaration }
  | { readonly type: 'address'; readonly field: FieldDeclaration }
  | { readonly type: 'list'; readonly items: readonly Typed[] }
  | { readonly type: 'end'; readonly end: Side };

export type OperandType = Operand['type'];

/** An operand and the node that it was read from, for errors. */
export interface Typed {
  readonly operand: Operand;
  readonly node: CelNode;
}

/** Names of operand types in errors. */
export const TYPE_NAMES: Readonly<Record<OperandType, string>> = {
  condition: 'a condition',
  number: 'a number',
  time: 'a time',
  duration: 'a duration',
  string: 'a string',
  quoted: 'a quoted string',
  enumeration: 'an enumeration',
  address: 'an address',
  list: 'a list',
  end: 'a side of the record',
};

/** A field as an operand. */
export function fieldOperand(field: FieldDeclaration): Operand {
  switch (field.type) {
    case 'string':
      return { type: 'string', string: { kind: 'field', field } };
    case 'ip':
      return { type: 'address', field };
    case 'enumeration':
      return { type: 'enumeration', field };
    case 'boolean':
      return { type: 'condition', filter: { kind: 'boolean', field } };
    case 'time':
      return { type: 'time', number: { kind: 'field', field } };
    default:
      return { type: 'number', number: { kind: 'field', field } };
  }
}

/**
 * The condition of an operand.
 * @throws FilterError if it is not a condition.
 */
export function condition(typed: Typed): Filter {
  if (typed.operand.type !== 'condition') throw wrongType(typed, 'a condition');
  return typed.operand.filter;
}

/** The error for an operand of the wrong type. */
export function wrongType({ operand, node }: Typed, wanted: string): FilterError {
  return errorAt(node, `expected ${wanted}, not ${TYPE_NAMES[operand.type]}`);
}

/** An error about a node. */
export function errorAt(node: CelNode, reason: string, nearest: readonly string[] = []): FilterError {
  return new FilterError(reason, node.start, node.end, nearest);
}

/**
 * The value of a quoted string.
 * @throws FilterError if it is anything else.
 */
export function stringLiteral(typed: Typed): string {
  if (typed.operand.type !== 'quoted') throw wrongType(typed, 'a quoted string');
  return typed.operand.value;
}

/**
 * The address in a string, as a range.
 * @throws FilterError if it is not an address.
 */
export function addressRange(typed: Typed): AddressRange {
  const address = read(typed, parseAddress, 'write an IPv4 or IPv6 address');
  return { first: address, last: address };
}

/**
 * The addresses of a prefix, such as `10.0.0.0/8`. An IPv6 prefix contains no IPv4 addresses, not even in their mapped
 * form.
 * @throws FilterError if the string is not a prefix.
 */
export function prefixRanges(typed: Typed): AddressRange[] {
  const { family, network, bits } = read(typed, parsePrefix, 'write an address, or a prefix as 10.0.0.0/8');
  const last = network.map((byte, index) => byte | (0xff >> Math.min(8, Math.max(0, bits - index * 8))));
  const all = { first: network, last };
  if (family === 4 || compareAddresses(network, MAPPED.first) > 0) return [all];
  if (compareAddresses(last, MAPPED.last) < 0) return [all];
  const parts = [
    { first: network, last: BEFORE_MAPPED },
    { first: AFTER_MAPPED, last },
  ];
  return parts.filter(({ first, last }) => compareAddresses(first, last) <= 0);
}

/** Compares two addresses: negative, 0 or positive. */
function compareAddresses(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return 0;
}

/** The IPv4 addresses (RFC 4291 §2.5.5.2), and the addresses beside them. */
const MAPPED = { first: parseAddress('::ffff:0:0'), last: parseAddress('::ffff:ffff:ffff') };
const BEFORE_MAPPED = parseAddress('::fffe:ffff:ffff');
const AFTER_MAPPED = parseAddress('::1:0:0:0');

function read<Value>(typed: Typed, parse: (text: string) => Value, advice: string): Value {
  const text = stringLiteral(typed);
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    throw errorAt(typed.node, `"${text}" is not an address: ${advice}`);
  }
}
