import { RE2JS, RE2JSException } from 're2js';
import type { CelNode } from './cel.js';
import { anyOf, type AddressRange, type Filter, not, type StringOperand, type StringTest } from './filter.js';
import { nearestNames } from './nearest-names.js';
import {
  condition,
  errorAt,
  type Operand,
  prefixRanges,
  stringLiteral,
  type Typed,
  wrongType,
} from './operand.js';
import { domainPattern, MAX_PATTERN_CHARACTERS, MAX_PATTERN_STEPS, policyPattern } from './patterns.js';
import { parseTimestamp } from './timestamp.js';
import type { Variables } from './variables.js';

/** A function call. */
export interface Call {
  readonly node: CelNode;
  /** The arguments; for a method the receiver comes first. */
  readonly parts: readonly CelNode[];
  readonly variables: Variables;
  /** Resolves a node with some variables. */
  readonly typed: (node: CelNode, variables: Variables) => Typed;
}

/**
 * `name(arguments)`.
 * @throws FilterError if there is no such function, or it does not accept these arguments.
 */
export function call(name: string, given: Call): Operand {
  const take = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name as FunctionName] : undefined;
  if (!take) throw unknownFunction(given.node, name, Object.keys(FUNCTIONS));
  return take(given);
}

/**
 * `receiver.name(arguments)`.
 * @throws FilterError if there is no such function, or it does not accept these arguments.
 */
export function method(name: string, given: Call): Operand {
  if (!isStringFunction(name)) throw unknownFunction(given.node, name, STRING_FUNCTIONS);
  return stringFunction(name, given);
}

const STRING_FUNCTIONS = ['startsWith', 'endsWith', 'contains', 'matches'] as const;

const FUNCTIONS = {
  cidr,
  domain,
  policy: (call: Call) => policyFunction(call, 'policies'),
  pendingPolicy: (call: Call) => policyFunction(call, 'pending_policies'),
  either,
  has,
  timestamp,
  matches: (call: Call) => stringFunction('matches', call),
};

type FunctionName = keyof typeof FUNCTIONS;

/** `cidr(dst.ip, "10.0.0.0/8")`, or a list of prefixes. */
function cidr(call: Call): Operand {
  const [address, prefixes] = argumentsOf(call, 2, 'cidr(dst.ip, "10.0.0.0/8")') as [Typed, Typed];
  if (address.operand.type !== 'address') throw wrongType(address, 'an address');
  const items = prefixes.operand.type === 'list' ? prefixes.operand.items : [prefixes];
  const ranges: AddressRange[] = items.flatMap(prefixRanges);
  return result(
    ranges.length === 0
      ? { kind: 'constant', value: false }
      : { kind: 'address', field: address.operand.field, ranges },
  );
}

/** `domain(dst, "*.example.com")`, for a string `domain(query_name, …)`, within `either(…)` without the side. */
function domain(call: Call): Operand {
  const { node, variables } = call;
  const { end } = variables;
  if (end !== undefined && call.parts.length === 1) {
    const [pattern] = argumentsOf(call, 1, '') as [Typed];
    return domainOf(node, domainField(node, variables, end), pattern);
  }
  const [of, pattern] = argumentsOf(call, 2, 'domain(dst, "*.example.com")') as [Typed, Typed];
  if (of.operand.type === 'end') {
    return domainOf(node, domainField(of.node, variables, of.operand.end), pattern);
  }
  if (of.operand.type !== 'string') throw wrongType(of, 'src, dst or a string');
  return domainOf(node, of.operand.string, pattern);
}

function domainField(node: CelNode, variables: Variables, end: 'src' | 'dst'): StringOperand {
  return { kind: 'field', field: variables.member(end, 'domain', node.start, node.end) };
}

function domainOf(node: CelNode, text: StringOperand, pattern: Typed): Operand {
  return matching(node, text, domainPattern(stringLiteral(pattern)));
}

/** `policy("security.*")`: any step of the trace has a policy of this name. */
function policyFunction(call: Call, name: 'policies' | 'pending_policies'): Operand {
  const { node, variables } = call;
  const [pattern] = argumentsOf(call, 1, 'policy("security.*")') as [Typed];
  const field = variables.find(name);
  if (!field) throw errorAt(node, 'these records have no policies');
  return matching(node, { kind: 'field', field }, policyPattern(stringLiteral(pattern)));
}

/** `either(namespace == "a")`: the condition is true for either side. */
function either({ node, parts, variables, typed }: Call): Operand {
  const [part] = parts;
  if (!part || parts.length > 1) throw errorAt(node, 'write it as either(namespace == "a")');
  if (variables.end !== undefined) throw errorAt(node, 'either cannot be nested');
  const ofEnd = (end: 'src' | 'dst') => condition(typed(part, variables.of(end)));
  return result(anyOf([ofEnd('src'), ofEnd('dst')]));
}

/** `has(src.labels.app)`: the label exists; `has(dst.domain)`: the string is not empty. */
function has(call: Call): Operand {
  const [what] = argumentsOf(call, 1, 'has(src.labels.app)') as [Typed];
  if (what.operand.type !== 'string') throw wrongType(what, 'a label or a string');
  const { string } = what.operand;
  if (string.kind === 'label') {
    const labels: StringOperand = { kind: 'field', field: string.field };
    return result({ kind: 'string', operand: labels, test: { kind: 'hasLabel', key: string.key } });
  }
  return result(not({ kind: 'string', operand: string, test: { kind: 'oneOf', values: [''] } }));
}

/** `timestamp("2026-03-01T12:00:00Z")`. */
function timestamp(call: Call): Operand {
  const [text] = argumentsOf(call, 1, 'timestamp("2026-03-01T12:00:00Z")') as [Typed];
  const time = parseTimestamp(stringLiteral(text));
  if (time === undefined) {
    throw errorAt(text.node, 'not a time from 1970 to 2106: write RFC 3339, as 2026-03-01T12:00:00Z');
  }
  return { type: 'time', number: { kind: 'literal', value: BigInt(time), isTime: true } };
}

/** A test of a string; for an enumeration it is evaluated here, value by value. */
function stringFunction(name: StringFunction, call: Call): Operand {
  const [of, argument] = argumentsOf(call, 2, `src.name.${name}("…")`) as [Typed, Typed];
  const text = stringLiteral(argument);
  const { operand } = of;
  if (operand.type === 'string') {
    if (name === 'matches') return matching(argument.node, operand.string, text);
    return result({ kind: 'string', operand: operand.string, test: { kind: name, part: text } });
  }
  if (operand.type === 'enumeration') {
    const holds = testOf(argument.node, name, text);
    const values = (operand.field.values ?? []).filter(holds);
    return result({ kind: 'enumeration', field: operand.field, values });
  }
  if (operand.type === 'address')
    throw errorAt(of.node, 'test addresses with cidr(…), or a whole address with ==');
  throw wrongType(of, 'a string');
}

function testOf(node: CelNode, name: StringFunction, text: string): (value: string) => boolean {
  switch (name) {
    case 'startsWith':
      return (value) => value.startsWith(text);
    case 'endsWith':
      return (value) => value.endsWith(text);
    case 'contains':
      return (value) => value.includes(text);
    case 'matches': {
      const pattern = compile(node, text);
      return (value) => pattern.test(value);
    }
  }
}

function matching(node: CelNode, operand: StringOperand, pattern: string): Operand {
  compile(node, pattern);
  return result({ kind: 'string', operand, test: { kind: 'matches', pattern } satisfies StringTest });
}

/** Patterns are RE2 (https://github.com/google/re2/wiki/Syntax), which runs in linear time, and bounded in size. */
function compile(node: CelNode, pattern: string): RE2JS {
  if (pattern.length > MAX_PATTERN_CHARACTERS || pattern.includes('\0')) {
    throw errorAt(node, `a pattern may have ${MAX_PATTERN_CHARACTERS} characters, none of them NUL`);
  }
  try {
    const compiled = RE2JS.compile(pattern, RE2JS.DOTALL);
    if (compiled.programSize() > MAX_PATTERN_STEPS) throw errorAt(node, 'the pattern is too large');
    return compiled;
  } catch (error) {
    if (error instanceof RE2JSException) throw errorAt(node, `not an RE2 pattern: ${error.message}`);
    throw error;
  }
}

type StringFunction = (typeof STRING_FUNCTIONS)[number];

function isStringFunction(name: string): name is StringFunction {
  return (STRING_FUNCTIONS as readonly string[]).includes(name);
}

function argumentsOf({ node, parts, variables, typed }: Call, count: number, example: string): Typed[] {
  if (parts.length !== count) throw errorAt(node, `write it as ${example}`);
  return parts.map((part) => typed(part, variables));
}

function result(filter: Filter): Operand {
  return { type: 'condition', filter };
}

function unknownFunction(node: CelNode, name: string, known: readonly string[]) {
  return errorAt(node, `there is no function ${name}`, nearestNames(name, known));
}
