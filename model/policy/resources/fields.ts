import { AddressError } from '../../net/address.js';
import { parseSelector } from '../selector/parse.js';
import { SelectorError, type Selector } from '../selector/selector.js';
import { parsePrefix, type AddressPrefix } from '../../net/prefix.js';

/** A problem with a field of an object. */
export interface FieldProblem {
  /** Path of the field from the object's root, such as `spec.ingress[0].from[1].ipBlock.cidr`. */
  readonly field: string;
  readonly reason: string;
}

/**
 * Reads an object of unknown shape field by field. Fields that are missing, of a wrong type or unknown are recorded as
 * problems with their path, and reading continues with a placeholder, so that one pass finds all problems. Callers must
 * discard the result if there are problems.
 */
export class Fields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #path: string;
  readonly #problems: FieldProblem[];

  constructor(value: unknown, path: string, problems: FieldProblem[]) {
    this.#path = path;
    this.#problems = problems;
    if (isRecord(value)) this.#object = value;
    else {
      this.#object = {};
      problems.push({ field: path || '(object)', reason: `must be an object, not ${describe(value)}` });
    }
  }

  /** Whether the field is set; null counts as unset, as in the Kubernetes API server. */
  has(name: string): boolean {
    return this.#value(name) !== undefined;
  }

  /** The names of the fields that are set. */
  names(): string[] {
    return Object.keys(this.#object).filter((name) => this.has(name));
  }

  /** Records a problem with a field, or with the object itself if the name is empty. */
  problem(name: string, reason: string): void {
    this.#problems.push({ field: this.#pathOf(name) || '(object)', reason });
  }

  /** Records a problem for every field that is not in `known`: unknown fields must not be ignored. */
  allowOnly(known: readonly string[]): void {
    for (const name of this.names()) {
      if (!known.includes(name)) this.problem(name, 'is not a supported field');
    }
  }

  string(name: string): string | undefined {
    return this.#typed(name, 'a string', (value): value is string => typeof value === 'string');
  }

  requiredString(name: string): string {
    const value = this.string(name);
    if (value === undefined || value === '') {
      if (value === '' || !this.has(name)) this.problem(name, 'is missing');
      return '';
    }
    return value;
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, 'true or false', (value): value is boolean => typeof value === 'boolean');
  }

  number(name: string): number | undefined {
    return this.#typed(name, 'a number', (value): value is number => typeof value === 'number');
  }

  numberOrString(name: string): number | string | undefined {
    return this.#typed(
      name,
      'a number or a string',
      (value): value is number | string => typeof value === 'number' || typeof value === 'string',
    );
  }

  integer(name: string, from: number, to: number): number | undefined {
    const number = this.#typed(
      name,
      'an integer',
      (value): value is number => typeof value === 'number' && Number.isInteger(value),
    );
    if (number !== undefined && (number < from || number > to)) {
      this.problem(name, `must be from ${from} to ${to}, not ${number}`);
      return undefined;
    }
    return number;
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const text = this.string(name);
    if (text === undefined) return undefined;
    const choice = choices.find((candidate) => candidate === text);
    if (choice === undefined) this.problem(name, `must be one of ${choices.join(', ')}, not "${text}"`);
    return choice;
  }

  requiredOneOf<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
    if (!this.has(name)) this.problem(name, `is missing (one of ${choices.join(', ')})`);
    return this.oneOf(name, choices) ?? choices[0];
  }

  /** Reads the field as an object; undefined if it is unset. */
  object<Read>(name: string, read: (fields: Fields) => Read): Read | undefined {
    return this.has(name) ? read(this.#fieldsOf(name)) : undefined;
  }

  requiredObject<Read>(name: string, read: (fields: Fields) => Read): Read {
    if (this.has(name)) return read(this.#fieldsOf(name));
    this.problem(name, 'is missing');
    return read(new Fields({}, this.#pathOf(name), []));
  }

  /** Reads the field as a list of objects; undefined if it is unset, which is different from empty. */
  objects<Read>(name: string, read: (fields: Fields) => Read): Read[] | undefined {
    return this.#list(name)?.map((item, index) =>
      read(new Fields(item, `${this.#pathOf(name)}[${index}]`, this.#problems)),
    );
  }

  /** The field as a list of strings; empty if it is unset. */
  strings(name: string): string[] {
    return this.items(name, (item, problem) => {
      if (typeof item === 'string') return item;
      problem(`must be a string, not ${describe(item)}`);
      return undefined;
    });
  }

  /** Reads a list item by item; items that cannot be read are recorded as problems and skipped. */
  items<Read>(
    name: string,
    read: (item: unknown, problem: (reason: string) => void) => Read | undefined,
  ): Read[] {
    return (this.#list(name) ?? []).flatMap((item, index) => {
      const value = read(item, (reason) => this.problem(`${name}[${index}]`, reason));
      return value === undefined ? [] : [value];
    });
  }

  /** The field as labels; empty if it is unset. */
  labels(name: string): Record<string, string> {
    return (
      this.object(name, (fields) => {
        const entries = fields.names().map((key) => [key, fields.string(key) ?? ''] as const);
        return Object.fromEntries(entries);
      }) ?? {}
    );
  }

  /** The field as a Calico selector; undefined if it is unset or empty. */
  selector(name: string): Selector | undefined {
    const text = this.string(name);
    if (text === undefined || text === '') return undefined;
    try {
      return parseSelector(text);
    } catch (error) {
      if (!(error instanceof SelectorError)) throw error;
      this.problem(name, `at character ${error.position} of the selector: ${error.message}`);
      return undefined;
    }
  }

  /** The field as a list of CIDR prefixes; `bare` also allows addresses without a length. */
  prefixes(name: string, bare: 'with bare addresses' | 'prefixes only' = 'prefixes only'): AddressPrefix[] {
    return this.items(name, (item, problem) => readPrefix(item, bare, problem));
  }

  /** The field as one CIDR prefix. */
  requiredPrefix(name: string): AddressPrefix {
    const text = this.requiredString(name);
    const prefix = text && readPrefix(text, 'prefixes only', (reason) => this.problem(name, reason));
    return prefix || parsePrefix('0.0.0.0/32');
  }

  #value(name: string): unknown {
    return this.#object[name] ?? undefined;
  }

  #pathOf(name: string): string {
    return name === '' ? this.#path : this.#path === '' ? name : `${this.#path}.${name}`;
  }

  #fieldsOf(name: string): Fields {
    return new Fields(this.#value(name), this.#pathOf(name), this.#problems);
  }

  #typed<Type>(name: string, type: string, is: (value: unknown) => value is Type): Type | undefined {
    const value = this.#value(name);
    if (value === undefined || is(value)) return value;
    this.problem(name, `must be ${type}, not ${describe(value)}`);
    return undefined;
  }

  #list(name: string): readonly unknown[] | undefined {
    return this.#typed(name, 'a list', (value): value is readonly unknown[] => Array.isArray(value));
  }
}

function readPrefix(
  item: unknown,
  bare: 'with bare addresses' | 'prefixes only',
  problem: (reason: string) => void,
): AddressPrefix | undefined {
  if (typeof item !== 'string') {
    problem(`must be a string, not ${describe(item)}`);
    return undefined;
  }
  try {
    if (bare === 'with bare addresses' || item.includes('/')) return parsePrefix(item);
    problem(`"${item}" has no prefix length`);
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    problem(`"${item}" is not a CIDR prefix`);
  }
  return undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : JSON.stringify(value);
}
