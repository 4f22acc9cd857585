import type { FieldDeclaration } from '../record/field.js';
import { FilterError } from './errors.js';
import type { NumberOperand } from './filter.js';
import { nearestNames } from './nearest-names.js';

/** The two sides of a record: names in filters and prefixes of field names. */
export type Side = 'src' | 'dst';

/** Sums of both directions. */
const SUMS: Readonly<Record<string, readonly string[]>> = {
  bytes: ['bytes_out', 'bytes_in'],
  packets: ['packets_out', 'packets_in'],
};

/** What a name in a filter refers to: a field, or a side whose fields follow after a dot. */
export type Variable = FieldDeclaration | Side;

/**
 * The names that a filter may use, derived from the declared fields: each field's name, and for the fields of a side also
 * `src.name` for `src_name`. Within `either(…)` the fields of a side have no prefix.
 */
export class Variables {
  readonly #fields: ReadonlyMap<string, FieldDeclaration>;
  readonly #end: Side | undefined;

  constructor(fields: readonly FieldDeclaration[], end?: Side) {
    this.#fields = new Map(fields.map((field) => [field.name, field]));
    this.#end = end;
  }

  /** The side of all names, within `either(…)`. */
  get end(): Side | undefined {
    return this.#end;
  }

  /** The same names within `either(…)`, for one side. */
  of(end: Side): Variables {
    return new Variables([...this.#fields.values()], end);
  }

  /**
   * The field or side of a name.
   * @throws FilterError with similar names.
   */
  named(name: string, start: number, end: number): Variable {
    if (this.#end !== undefined) return this.member(this.#end, name, start, end);
    // `rtt` is `rtt_us`: durations have a unit in filters.
    const field = this.#fields.get(name) ?? this.#fields.get(`${name}_us`);
    if (field) return field;
    if (isEnd(name) && this.#namesOf(name).length > 0) return name;
    const dotted = [...this.#fields.keys()].map((known) => known.replace(/^(src|dst)_/, '$1.'));
    const nearest = nearestNames(name, [...new Set([...this.#fields.keys(), ...dotted])]);
    const quote = nearest.length === 0 ? `; if it is a value, write "${name}"` : '';
    throw new FilterError(`there is no field ${name}${quote}`, start, end, nearest);
  }

  /**
   * A field of a side.
   * @throws FilterError with similar names.
   */
  member(end: Side, name: string, start: number, textEnd: number): FieldDeclaration {
    const field = this.#fields.get(`${end}_${name}`);
    if (field) return field;
    const prefix = this.#end === undefined ? `${end}.` : '';
    const nearest = nearestNames(name, this.#namesOf(end)).map((near) => prefix + near);
    throw new FilterError(`src and dst have no field ${name}`, start, textEnd, nearest);
  }

  /** The sum of both directions that a name stands for, `bytes` or `packets`. */
  sum(name: string): NumberOperand | undefined {
    const [first, second] = Object.hasOwn(SUMS, name) ? (SUMS[name] ?? []) : [];
    const [left, right] = [first, second].map((part) => this.#fields.get(part ?? ''));
    if (!left || !right || this.#end !== undefined) return undefined;
    return {
      ...{ kind: 'arithmetic', operator: '+' },
      ...{ left: { kind: 'field', field: left }, right: { kind: 'field', field: right } },
    };
  }

  /** The field of this name; undefined if there is none. */
  find(name: string): FieldDeclaration | undefined {
    return this.#fields.get(name);
  }

  #namesOf(end: Side): string[] {
    const prefix = `${end}_`;
    return [...this.#fields.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => name.slice(prefix.length));
  }
}

function isEnd(name: string): name is Side {
  return name === 'src' || name === 'dst';
}
