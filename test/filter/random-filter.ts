import type { Random } from '../builders/random-choices.js';
import {
  ACTIONS,
  ADDRESSES,
  BYTES,
  DOMAINS,
  KINDS,
  NAMESPACES,
  PORTS,
  type RandomFlow,
  SETS,
  TIMES,
} from './random-flows.js';

/** A filter as text, and a naive implementation of its meaning that uses no code of the product. */
export interface MeantFilter {
  readonly text: string;
  readonly holds: (flow: RandomFlow) => boolean;
}

/** A random filter of at most this depth. */
export function randomFilter(random: Random, depth: number): MeantFilter {
  if (depth > 0 && !random.oneIn(3)) return combination(random, depth - 1);
  return random.pick(ATOMS)(random);
}

function combination(random: Random, depth: number): MeantFilter {
  const [a, b, c] = [1, 2, 3].map(() => randomFilter(random, depth)) as [
    MeantFilter,
    MeantFilter,
    MeantFilter,
  ];
  return random.pick<() => MeantFilter>([
    () => ({ text: `(${a.text} && ${b.text})`, holds: (flow) => a.holds(flow) && b.holds(flow) }),
    () => ({ text: `(${a.text} || ${b.text})`, holds: (flow) => a.holds(flow) || b.holds(flow) }),
    () => ({ text: `!(${a.text})`, holds: (flow) => !a.holds(flow) }),
    () => ({
      text: `(${a.text} ? ${b.text} : ${c.text})`,
      holds: (flow) => (a.holds(flow) ? b.holds(flow) : c.holds(flow)),
    }),
    () => ({ text: `((${a.text}) == (${b.text}))`, holds: (flow) => a.holds(flow) === b.holds(flow) }),
  ])();
}

type Atom = (random: Random) => MeantFilter;

const ATOMS: readonly Atom[] = [
  textEquals,
  textIn,
  textFunction,
  sameText,
  label,
  hasLabel,
  sameLabel,
  listItem,
  address,
  addressPrefix,
  sameAddress,
  number,
  numberIn,
  arithmetic,
  largeNumber,
  twoNumbers,
  time,
  enumeration,
  enumerationFunction,
  boolean,
  domain,
  policy,
  either,
  pattern,
];

type End = 'src' | 'dst';
const END: readonly End[] = ['src', 'dst'];

function quote(text: string): string {
  return JSON.stringify(text);
}

function textEquals(random: Random): MeantFilter {
  const end = random.pick(END);
  const value = random.pick(NAMESPACES);
  const not = random.oneIn(2);
  const name = random.oneIn(2) ? `${end}.namespace` : `${end}_namespace`;
  return {
    text: `${name} ${not ? '!=' : '=='} ${quote(value)}`,
    holds: (flow) => (flow[`${end}_namespace`] === value) !== not,
  };
}

function textIn(random: Random): MeantFilter {
  const end = random.pick(END);
  const values = random.some(0, 3, () => random.pick(NAMESPACES));
  return {
    text: `${end}.workload in [${values.map(quote).join(', ')}]`,
    holds: (flow) => values.includes(flow[`${end}_workload`]),
  };
}

function textFunction(random: Random): MeantFilter {
  const end = random.pick(END);
  const value = random.pick(['', 'a', 'kube-', 'tem', 'ï', '.', 'A']);
  const name = random.pick(['startsWith', 'endsWith', 'contains'] as const);
  const meaning = { startsWith: 'startsWith', endsWith: 'endsWith', contains: 'includes' } as const;
  return {
    text: `${end}.namespace.${name}(${quote(value)})`,
    holds: (flow) => flow[`${end}_namespace`][meaning[name]](value),
  };
}

function sameText(random: Random): MeantFilter {
  const [a, b] = [random.pick(END), random.pick(END)];
  return {
    text: `${a}.namespace == ${b}.workload`,
    holds: (flow) => flow[`${a}_namespace`] === flow[`${b}_workload`],
  };
}

function labelsOf(flow: RandomFlow, end: End): Map<string, string> {
  const labels = new Map<string, string>();
  for (const pair of flow[`${end}_labels`].split(',')) {
    const at = pair.indexOf('=');
    if (at > 0 && !labels.has(pair.slice(0, at))) labels.set(pair.slice(0, at), pair.slice(at + 1));
  }
  return labels;
}

const KEYS = ['app', 'tier', 'app.kubernetes.io/name', 'appXkubernetes.io/name', 'a'];

function label(random: Random): MeantFilter {
  const end = random.pick(END);
  const key = random.pick(KEYS);
  const value = random.pick(['', 'x', 'y', 'front', 'x=y', '🙂']);
  return {
    text: `${end}.labels[${quote(key)}] == ${quote(value)}`,
    holds: (flow) => (labelsOf(flow, end).get(key) ?? '') === value,
  };
}

function hasLabel(random: Random): MeantFilter {
  const end = random.pick(END);
  const key = random.pick(KEYS);
  const dotted = `has(${end}.labels.${key})`;
  return {
    text: /^[a-z]+$/.test(key) && random.oneIn(2) ? dotted : `${quote(key)} in ${end}.labels`,
    holds: (flow) => labelsOf(flow, end).has(key),
  };
}

function sameLabel(random: Random): MeantFilter {
  const key = random.pick(KEYS);
  return {
    text: `src.labels[${quote(key)}] != dst.labels[${quote(key)}]`,
    holds: (flow) =>
      labelsOf(flow, 'src').get(key) !== labelsOf(flow, 'dst').get(key) && different(flow, key),
  };
}

/** A missing label equals an empty one. */
function different(flow: RandomFlow, key: string): boolean {
  return (labelsOf(flow, 'src').get(key) ?? '') !== (labelsOf(flow, 'dst').get(key) ?? '');
}

function listItem(random: Random): MeantFilter {
  const end = random.pick(END);
  const item = random.pick([...SETS, 'shop/office', 'shop']);
  return {
    text: `${quote(item)} in ${end}.network_sets`,
    holds: (flow) => item !== '' && flow[`${end}_network_sets`].split(',').includes(item),
  };
}

function address(random: Random): MeantFilter {
  const end = random.pick(END);
  const values = random.some(1, 2, () => random.pick(ADDRESSES));
  const [first = ''] = values;
  return random.oneIn(2)
    ? { text: `${end}.ip == ${quote(first)}`, holds: (flow) => flow[`${end}_ip`] === first }
    : {
        text: `${end}.ip in [${values.map(quote).join(', ')}]`,
        holds: (flow) => values.includes(flow[`${end}_ip`]),
      };
}

/** Prefixes, and the addresses they contain, listed by hand. */
const PREFIXES: Readonly<Record<string, (address: string) => boolean>> = {
  '10.0.0.0/8': (one) => one.startsWith('10.'),
  '10.0.0.0/31': (one) => one === '10.0.0.1',
  '10.0.0.1': (one) => one === '10.0.0.1',
  '0.0.0.0/0': (one) => one.includes('.'),
  '255.255.255.255/32': (one) => one === '255.255.255.255',
  '::/0': (one) => one.includes(':'),
  '::/64': (one) => ['::', '::1', '::fffe:ffff:ffff', '::1:0:0:0'].includes(one),
  '::/80': (one) => ['::', '::1', '::fffe:ffff:ffff'].includes(one),
  '2001:db8::/32': (one) => one.startsWith('2001:db8:'),
  '2001:db8::/64': (one) => one === '2001:db8::1',
  '8000::/1': (one) => one.startsWith('ffff:'),
};

function addressPrefix(random: Random): MeantFilter {
  const end = random.pick(END);
  const prefixes = random.some(1, 2, () => random.pick(Object.keys(PREFIXES)));
  const argument = prefixes.length === 1 ? quote(prefixes[0] ?? '') : `[${prefixes.map(quote).join(', ')}]`;
  return {
    text: `cidr(${end}.ip, ${argument})`,
    holds: (flow) => prefixes.some((prefix) => PREFIXES[prefix]?.(flow[`${end}_ip`]) === true),
  };
}

function sameAddress(): MeantFilter {
  return { text: 'src.ip == dst.ip', holds: (flow) => flow.src_ip === flow.dst_ip };
}

const COMPARISONS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function comparison(random: Random): [string, (a: number, b: number) => boolean] {
  const operator = random.pick(Object.keys(COMPARISONS));
  return [operator, COMPARISONS[operator] ?? (() => false)];
}

function number(random: Random): MeantFilter {
  const name = random.pick(['src_port', 'dst_port', 'bytes_out', 'rtt_us'] as const);
  const value = random.pick([-1, ...PORTS, ...BYTES]);
  const [operator, holds] = comparison(random);
  return random.oneIn(2)
    ? { text: `${name} ${operator} ${value}`, holds: (flow) => holds(flow[name], value) }
    : { text: `${value} ${operator} ${name}`, holds: (flow) => holds(value, flow[name]) };
}

function numberIn(random: Random): MeantFilter {
  const name = random.pick(['dst_port', 'bytes_in', 'protocol'] as const);
  const values = random.some(0, 4, () => random.pick([-1, 300, 70_000, ...PORTS, ...BYTES]));
  return {
    text: `${name} in [${values.map((value) => (value < 0 ? String(value) : `${value}u`)).join(', ')}]`,
    holds: (flow) => values.includes(flow[name]),
  };
}

function arithmetic(random: Random): MeantFilter {
  const value = random.pick([0, 1, 1000, 2 ** 33]);
  const factor = random.pick([0, 1, 3, -2]);
  const [operator, holds] = comparison(random);
  return {
    text: `bytes_out + ${factor} * bytes_in - src_port ${operator} -(${value} - dst_port)`,
    holds: (flow) =>
      holds(flow.bytes_out + factor * flow.bytes_in - flow.src_port, 0 - (value - flow.dst_port)),
  };
}

/** Not exact as a double: no flow has this many bytes, only 2^53 - 1. */
function largeNumber(random: Random): MeantFilter {
  const literal = random.pick([
    '9007199254740992',
    '9007199254740993',
    '18446744073709551615u',
    '-9223372036854775808',
  ]);
  const isLarge = !literal.startsWith('-');
  return random.oneIn(2)
    ? { text: `bytes_out < ${literal}`, holds: () => isLarge }
    : { text: `bytes_out == ${literal}`, holds: () => false };
}

function twoNumbers(random: Random): MeantFilter {
  const [operator, holds] = comparison(random);
  return { text: `bytes_out ${operator} bytes_in`, holds: (flow) => holds(flow.bytes_out, flow.bytes_in) };
}

function time(random: Random): MeantFilter {
  const value = random.pick(TIMES);
  const [operator, holds] = comparison(random);
  return random.oneIn(3)
    ? { text: `start_time ${operator} end_time`, holds: (flow) => holds(flow.start_time, flow.end_time) }
    : {
        text: `start_time ${operator} timestamp(${quote(new Date(value).toISOString())})`,
        holds: (flow) => holds(flow.start_time, value),
      };
}

function enumeration(random: Random): MeantFilter {
  const values = random.some(1, 2, () => random.pick(ACTIONS));
  return random.oneIn(2)
    ? { text: `action == ${quote(values[0] ?? '')}`, holds: (flow) => flow.action === values[0] }
    : {
        text: `action in [${values.map(quote).join(', ')}]`,
        holds: (flow) => values.includes(flow.action),
      };
}

function enumerationFunction(random: Random): MeantFilter {
  const part = random.pick(['pod', 'e', 'x', KINDS[2]]);
  return random.oneIn(3)
    ? { text: 'src.kind == dst.kind', holds: (flow) => flow.src_kind === flow.dst_kind }
    : { text: `src.kind.contains(${quote(part)})`, holds: (flow) => flow.src_kind.includes(part) };
}

function boolean(random: Random): MeantFilter {
  return random.pick<MeantFilter>([
    { text: 'contradiction', holds: (flow) => flow.contradiction },
    { text: 'primary == false', holds: (flow) => !flow.primary },
    { text: 'true', holds: () => true },
  ]);
}

/** Globs, and the names that they match. */
const DOMAIN_GLOBS: Readonly<Record<string, readonly string[]>> = {
  '*.example.com': ['www.example.com', 'a.b.example.com'],
  'EXAMPLE.com.': ['example.com'],
  '*': DOMAINS.filter((name) => name !== ''),
  'a.*.example.com': ['a.b.example.com'],
  'example?com': [],
};

function domain(random: Random): MeantFilter {
  const glob = random.pick(Object.keys(DOMAIN_GLOBS));
  return {
    text: `domain(dst, ${quote(glob)})`,
    holds: (flow) => DOMAIN_GLOBS[glob]?.includes(flow.dst_domain) === true,
  };
}

/** Globs, and the parts of traces that they match. */
const POLICY_GLOBS: Readonly<Record<string, readonly string[]>> = {
  'security.*': ['security|'],
  block: ['block|'],
  'storefront/block': ['storefront/block|'],
  'default.web': ['np:a/web|'],
  'default.*': ['|default|'],
  'web.v2': ['web.v2|'],
  'a/*': ['np:a/'],
  nothing: [],
};

function policy(random: Random): MeantFilter {
  const glob = random.pick(Object.keys(POLICY_GLOBS));
  return {
    text: `policy(${quote(glob)})`,
    holds: (flow) => POLICY_GLOBS[glob]?.some((part) => flow.policies.includes(part)) === true,
  };
}

function either(random: Random): MeantFilter {
  const value = random.pick(NAMESPACES);
  const port = random.pick(PORTS);
  const holdsOf = (flow: RandomFlow, end: End) =>
    (flow[`${end}_namespace`] === value || flow[`${end}_port`] > port) && flow[`${end}_kind`] !== 'node';
  return {
    text: `either((namespace == ${quote(value)} || port > ${port}) && kind != "node")`,
    holds: (flow) => holdsOf(flow, 'src') || holdsOf(flow, 'dst'),
  };
}

/** Patterns, and the names that they match. */
const PATTERNS: Readonly<Record<string, (name: string) => boolean>> = {
  a: (name) => name.includes('a'),
  '^a$': (name) => name === 'a',
  '': () => true,
  '^(?:kube-)?system$|front': (name) => name.includes('front') || name === 'kube-system',
  '(?i)^STORE': (name) => name === 'storefront',
  '^.{7}$': (name) => name === 'ünïcødé',
  '\\pL\\.\\pL': (name) => name === 'a.b',
  '[^a-z]': (name) => /[^a-z]/u.test(name),
  'a{2,}|b+?$': (name) => name.endsWith('b'),
};

function pattern(random: Random): MeantFilter {
  const end = random.pick(END);
  const source = random.pick(Object.keys(PATTERNS));
  return {
    text: `${end}.namespace.matches(${quote(source)})`,
    holds: (flow) => PATTERNS[source]?.(flow[`${end}_namespace`]) === true,
  };
}
