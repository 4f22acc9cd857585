import { changedCursor, type GivenCursor } from './random-cursors.js';
import type { ApiDocument, ApiOperation } from '../fixtures/openapi-conformance.js';

/** A request that may or may not make sense. */
export interface RandomRequest {
  readonly operationId: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Schema = Readonly<Record<string, unknown>>;

/** Texts that have broken programs before. */
const ODD_TEXTS = [
  ...[
    '',
    ' ',
    '\u0000',
    '\n',
    '\r\n',
    '\\',
    "'",
    '"',
    '`',
    '%',
    '%00',
    '..',
    '../../etc/passwd',
    '//',
    '?',
    '#',
    ';',
  ],
  ...[
    "' OR 1=1 --",
    '{p1:String}',
    '{{}}',
    '${x}',
    '$(id)',
    '<script>',
    '-1',
    '1e309',
    'NaN',
    'null',
    'true',
    '[]',
    '{}',
  ],
  ...[
    'é',
    '日本',
    '\u202e',
    '\ud800',
    '\uffff',
    '😀',
    'a'.repeat(300),
    '('.repeat(200),
    '__proto__',
    'constructor',
  ],
];

const ODD_VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 1e308, 2 ** 53, -(2 ** 63), [], {}, [[]], [null]],
  ...[{ __proto__: 1 }, { a: { b: { c: {} } } }, 'text'],
];

/** Words that filters are put together of, sensible and not. */
const FILTER_WORDS = [
  ...[
    'src',
    'dst',
    '.',
    '.namespace',
    '.port',
    '.ip',
    '.labels["app"]',
    'action',
    'bytes_out',
    'start_time',
    'primary',
  ],
  ...['==', '!=', '<', '>=', '&&', '||', '!', '(', ')', '[', ']', ',', 'in', '?', ':', '+', '-', '*'],
  ...[
    '"shop"',
    '"allow"',
    '443',
    '1.5',
    '-1',
    'true',
    '[80, 443]',
    '"10.0.0.0/8"',
    'r"x"',
    "'y'",
    '18446744073709551615',
  ],
  ...[
    'cidr(',
    'domain(',
    'policy(',
    'either(',
    'namespace',
    'timestamp(',
    '.matches("',
    '.contains("',
    '.startsWith(',
  ],
  ...['"2026-03-01T00:00:00Z"', 'size(', 'has(', 'unknown_field', '"(?i)a+"', '"(a*)*b"', '\\', '\u0000'],
];

/** Filters that are right; fuzzing only wrong ones would not come far. */
const FILTERS = [
  ...['src.namespace == "shop"', 'dst.port in [443, 8443] && action == "deny"', 'cidr(dst.ip, "10.0.0.0/8")'],
  ...[
    'policy("security.*")',
    'either(namespace == "shop")',
    'src.labels["app"] == "web"',
    'domain(dst, "*.example.com")',
  ],
];

/** Makes requests out of an API's description: right ones, nearly right ones, and nonsense, the same for a seed. */
export class RandomRequests {
  #state: number;
  readonly #operations: readonly (readonly [path: string, method: string, operation: ApiOperation])[];

  /** @param cursors some that the API gave, of which others are made. */
  constructor(
    document: ApiDocument,
    seed: number,
    private readonly cursors: readonly GivenCursor[],
  ) {
    this.#state = seed;
    this.#operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [path, method, operation] as const),
    );
  }

  next(): RandomRequest {
    const [path, method, operation] = this.#pick(this.#operations);
    const parameters = operation.parameters ?? [];
    const valueOf = (schema: Schema, name: string) => this.#text(schema, name);
    let target = path;
    for (const { name, schema } of parameters.filter((one) => one.in === 'path')) {
      const value = this.#chance(0.3) ? this.#pick(ODD_TEXTS) : valueOf(schema, name);
      target = target.replace(`{${name}}`, encode(value));
    }
    const query = parameters
      .filter((one) => one.in === 'query' && this.#chance(0.3))
      .flatMap(({ name, schema }) =>
        Array.from({ length: this.#chance(0.05) ? 2 : 1 }, () => `${name}=${encode(valueOf(schema, name))}`),
      );
    if (this.#chance(0.05)) query.push(`${encode(this.#pick(ODD_TEXTS))}=${encode(this.#pick(ODD_TEXTS))}`);
    if (query.length > 0) target += `?${query.join('&')}`;
    const given = this.cursors.filter((one) => one.path === path);
    if (given.length > 0 && this.#chance(0.4)) {
      const { target: asked, cursor } = this.#pick(given);
      target = `${asked}&cursor=${changedCursor(cursor, (items) => this.#pick(items))}`;
    }
    const schema = operation.requestBody?.content['application/json']?.schema;
    return {
      operationId: operation.operationId,
      method: method === 'get' && this.#chance(0.03) ? 'HEAD' : method.toUpperCase(),
      target,
      headers: this.#headers(),
      ...(schema && {
        body: this.#chance(0.05) ? this.#pick(ODD_TEXTS) : JSON.stringify(this.#value(schema, '', 0)),
      }),
    };
  }

  #headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    if (this.#chance(0.1)) headers.accept = this.#pick(['*/*', 'text/html', 'application/json;q=0', 'x']);
    if (this.#chance(0.05)) headers['if-none-match'] = this.#pick(['*', '""', 'W/"x"', ',,,']);
    if (this.#chance(0.05)) headers['x-request-id'] = this.#pick(['abc', 'a'.repeat(500), '<x>']);
    headers['content-type'] = this.#chance(0.03)
      ? this.#pick(['text/plain', 'application/xml', 'x', 'application/json; charset=x'])
      : 'application/json';
    return headers;
  }

  /** A value of a parameter, as text. */
  #text(schema: Schema, name: string): string {
    const value = this.#value(schema, name, 0);
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  /** A value that mostly is as the schema says. */
  #value(schema: Schema, name: string, depth: number): unknown {
    if (depth > 6 || this.#chance(0.04)) return this.#pick(ODD_VALUES);
    if (this.#chance(0.04)) return this.#pick(ODD_TEXTS);
    if (name === 'filter') return this.#filter();
    const { examples, enum: values, default: standard, oneOf, anyOf } = schema;
    if (Array.isArray(examples) && this.#chance(0.5)) return this.#pick(examples as unknown[]);
    if (Array.isArray(values)) return this.#pick(values as unknown[]);
    if (standard !== undefined && this.#chance(0.4)) return standard;
    const alternatives = oneOf ?? anyOf;
    if (Array.isArray(alternatives))
      return this.#value(this.#pick(alternatives as Schema[]), name, depth + 1);
    const type = Array.isArray(schema.type) ? this.#pick(schema.type as string[]) : schema.type;
    switch (type) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return Array.from({ length: this.#integer(0, 3) }, () =>
          this.#value((schema.items ?? {}) as Schema, name, depth + 1),
        );
      case 'integer':
      case 'number':
        return this.#number(schema);
      case 'boolean':
        return this.#chance(0.5);
      default:
        return this.#string(name);
    }
  }

  #object(schema: Schema, depth: number): Record<string, unknown> {
    const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>);
    const required = new Set((schema.required ?? []) as readonly string[]);
    const chosen = properties.filter(([name]) => this.#chance(required.has(name) ? 0.95 : 0.35));
    const made = Object.fromEntries(chosen.map(([name, one]) => [name, this.#value(one, name, depth + 1)]));
    if (this.#chance(0.03)) made[this.#pick(ODD_TEXTS)] = this.#pick(ODD_VALUES);
    return made;
  }

  #number({ minimum = 0, maximum = 1000 }: { minimum?: number; maximum?: number }): number {
    return this.#pick([
      minimum,
      maximum,
      minimum - 1,
      maximum + 1,
      this.#integer(minimum, Math.min(maximum, minimum + 50)),
    ]);
  }

  #string(name: string): string {
    if (name === 'from' || name === 'to') {
      return this.#pick([
        '2026-03-01T00:00:00Z',
        '2026-03-02T00:00:00Z',
        '-1h',
        '-5000d',
        'now',
        '2026-02-30T00:00:00Z',
        '1900-01-01T00:00:00Z',
      ]);
    }
    if (/field|group|by/i.test(name)) {
      return this.#pick([
        'src.namespace',
        'dst_port',
        'bytes_out',
        'src.labels["app"]',
        'bytes',
        'start_time',
        'dst.ip',
        'policies',
        'nothing',
      ]);
    }
    return this.#pick(['shop', 'lab', 'web', 'NetworkPolicy', '1m', ...ODD_TEXTS]);
  }

  #filter(): string {
    const kind = this.#integer(0, 3);
    if (kind === 0)
      return Array.from({ length: this.#integer(1, 12) }, () => this.#pick(FILTER_WORDS)).join(' ');
    if (kind === 1) return this.#pick(FILTERS);
    if (kind === 2) return [this.#pick(FILTERS), this.#pick(FILTERS)].join(this.#pick([' && ', ' || ']));
    // A right filter with one character taken out or doubled.
    const text = this.#pick(FILTERS);
    const at = this.#integer(0, text.length - 1);
    return text.slice(0, at) + text.slice(at, at + 1).repeat(this.#pick([0, 2, 40])) + text.slice(at + 1);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.#random() * items.length)] as Item;
  }

  #integer(from: number, to: number): number {
    return from + Math.floor(this.#random() * (to - from + 1));
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** From 0 to below 1 (mulberry32, a generator of 32 bits of state). */
  #random(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
}

/** Percent-encoded; half of a surrogate pair, which has no encoding, as what stands for it. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
