import { Random } from '../builders/random-choices.js';
import { changedCursor, type GivenCursor } from './random-cursors.js';
import type { ApiDocument, ApiOperation } from '../fixtures/openapi-conformance.js';

/** A request that may or may not be valid. */
export interface RandomRequest {
  readonly operationId: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

type Schema = Readonly<Record<string, unknown>>;

/** Strings that have broken programs before. */
const ODD_STRINGS = [
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

/** Parts of random filters, valid and invalid. */
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

/** Valid filters: fuzzing with invalid ones only would not get far. */
const FILTERS = [
  ...['src.namespace == "shop"', 'dst.port in [443, 8443] && action == "deny"', 'cidr(dst.ip, "10.0.0.0/8")'],
  ...[
    'policy("security.*")',
    'either(namespace == "shop")',
    'src.labels["app"] == "web"',
    'domain(dst, "*.example.com")',
  ],
];

/** Makes valid, nearly valid and nonsensical requests from an API's OpenAPI document; the same ones for the same seed. */
export class RandomRequests {
  readonly #random: Random;
  readonly #operations: readonly (readonly [path: string, method: string, operation: ApiOperation])[];

  /** @param cursors cursors that the API returned; they are reused, also changed. */
  constructor(
    document: ApiDocument,
    seed: number,
    private readonly cursors: readonly GivenCursor[],
  ) {
    this.#random = new Random(seed);
    this.#operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [path, method, operation] as const),
    );
  }

  next(): RandomRequest {
    const [path, method, operation] = this.#random.pick(this.#operations);
    const parameters = operation.parameters ?? [];
    const valueOf = (schema: Schema, name: string) => this.#stringOf(schema, name);
    let target = path;
    for (const { name, schema } of parameters.filter((one) => one.in === 'path')) {
      const value = this.#random.chance(0.3) ? this.#random.pick(ODD_STRINGS) : valueOf(schema, name);
      target = target.replace(`{${name}}`, encode(value));
    }
    const query = parameters
      .filter((one) => one.in === 'query' && this.#random.chance(0.3))
      .flatMap(({ name, schema }) =>
        Array.from(
          { length: this.#random.chance(0.05) ? 2 : 1 },
          () => `${name}=${encode(valueOf(schema, name))}`,
        ),
      );
    if (this.#random.chance(0.05))
      query.push(`${encode(this.#random.pick(ODD_STRINGS))}=${encode(this.#random.pick(ODD_STRINGS))}`);
    if (query.length > 0) target += `?${query.join('&')}`;
    const given = this.cursors.filter((one) => one.path === path);
    if (given.length > 0 && this.#random.chance(0.4)) {
      const { target: asked, cursor } = this.#random.pick(given);
      target = `${asked}&cursor=${changedCursor(cursor, (items) => this.#random.pick(items))}`;
    }
    const schema = operation.requestBody?.content['application/json']?.schema;
    return {
      operationId: operation.operationId,
      method: method === 'get' && this.#random.chance(0.03) ? 'HEAD' : method.toUpperCase(),
      target,
      headers: this.#headers(),
      ...(schema && {
        body: this.#random.chance(0.05)
          ? this.#random.pick(ODD_STRINGS)
          : JSON.stringify(this.#value(schema, '', 0)),
      }),
    };
  }

  #headers(): Record<string, string> {
    const headers: Record<string, string> = {};
    if (this.#random.chance(0.1))
      headers.accept = this.#random.pick(['*/*', 'text/html', 'application/json;q=0', 'x']);
    if (this.#random.chance(0.05)) headers['if-none-match'] = this.#random.pick(['*', '""', 'W/"x"', ',,,']);
    if (this.#random.chance(0.05))
      headers['x-request-id'] = this.#random.pick(['abc', 'a'.repeat(500), '<x>']);
    headers['content-type'] = this.#random.chance(0.03)
      ? this.#random.pick(['text/plain', 'application/xml', 'x', 'application/json; charset=x'])
      : 'application/json';
    return headers;
  }

  /** A value of a parameter, as a string. */
  #stringOf(schema: Schema, name: string): string {
    const value = this.#value(schema, name, 0);
    return typeof value === 'string' ? value : JSON.stringify(value);
  }

  /** A value that usually matches the schema. */
  #value(schema: Schema, name: string, depth: number): unknown {
    if (depth > 6 || this.#random.chance(0.04)) return this.#random.pick(ODD_VALUES);
    if (this.#random.chance(0.04)) return this.#random.pick(ODD_STRINGS);
    if (name === 'filter') return this.#filter();
    const { examples, enum: values, default: standard, oneOf, anyOf } = schema;
    if (Array.isArray(examples) && this.#random.chance(0.5)) return this.#random.pick(examples as unknown[]);
    if (Array.isArray(values)) return this.#random.pick(values as unknown[]);
    if (standard !== undefined && this.#random.chance(0.4)) return standard;
    const alternatives = oneOf ?? anyOf;
    if (Array.isArray(alternatives))
      return this.#value(this.#random.pick(alternatives as Schema[]), name, depth + 1);
    const type = Array.isArray(schema.type) ? this.#random.pick(schema.type as string[]) : schema.type;
    switch (type) {
      case 'object':
        return this.#object(schema, depth);
      case 'array':
        return Array.from({ length: this.#random.integer(0, 3) }, () =>
          this.#value((schema.items ?? {}) as Schema, name, depth + 1),
        );
      case 'integer':
      case 'number':
        return this.#number(schema);
      case 'boolean':
        return this.#random.chance(0.5);
      default:
        return this.#string(name);
    }
  }

  #object(schema: Schema, depth: number): Record<string, unknown> {
    const properties = Object.entries((schema.properties ?? {}) as Readonly<Record<string, Schema>>);
    const required = new Set((schema.required ?? []) as readonly string[]);
    const chosen = properties.filter(([name]) => this.#random.chance(required.has(name) ? 0.95 : 0.35));
    const made = Object.fromEntries(chosen.map(([name, one]) => [name, this.#value(one, name, depth + 1)]));
    if (this.#random.chance(0.03)) made[this.#random.pick(ODD_STRINGS)] = this.#random.pick(ODD_VALUES);
    return made;
  }

  #number({ minimum = 0, maximum = 1000 }: { minimum?: number; maximum?: number }): number {
    return this.#random.pick([
      minimum,
      maximum,
      minimum - 1,
      maximum + 1,
      this.#random.integer(minimum, Math.min(maximum, minimum + 50)),
    ]);
  }

  #string(name: string): string {
    if (name === 'from' || name === 'to') {
      return this.#random.pick([
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
      return this.#random.pick([
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
    return this.#random.pick(['shop', 'lab', 'web', 'NetworkPolicy', '1m', ...ODD_STRINGS]);
  }

  #filter(): string {
    const kind = this.#random.integer(0, 3);
    if (kind === 0)
      return Array.from({ length: this.#random.integer(1, 12) }, () => this.#random.pick(FILTER_WORDS)).join(
        ' ',
      );
    if (kind === 1) return this.#random.pick(FILTERS);
    if (kind === 2)
      return [this.#random.pick(FILTERS), this.#random.pick(FILTERS)].join(
        this.#random.pick([' && ', ' || ']),
      );
    // A valid filter with one character removed or repeated.
    const text = this.#random.pick(FILTERS);
    const at = this.#random.integer(0, text.length - 1);
    return (
      text.slice(0, at) + text.slice(at, at + 1).repeat(this.#random.pick([0, 2, 40])) + text.slice(at + 1)
    );
  }
}

/** Percent-encodes a string; lone surrogates, which have no encoding, become U+FFFD. */
function encode(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}
