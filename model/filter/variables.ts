import type { FieldDeclaration } from '../record/field.js';
import { FilterError } from './errors.js';
import { nearestNames } from './nearest-names.js';

/** The two ends of a record, as filters name them and as fields' names begin. */
export type Side = 'src' | 'dst';

/** What a name in a filter can mean: a field, or an end, of which fields are asked with a dot. */
export type Variable = FieldDeclaration | Side;

/**
 * The names that a filter may use, as they follow from the declared fields: each field's own name, and for the fields
 * of an end `src.name` in place of `src_name`. Within `either(…)` an end's fields go without the end.
 */
export class Variables {
  readonly #fields: ReadonlyMap<string, FieldDeclaration>;
  readonly #end: Side | undefined;

  constructor(fields: readonly FieldDeclaration[], end?: Side) {
    this.#fields = new Map(fields.map((field) => [field.name, field]));
    this.#end = end;
  }

  /** The end that names are of, within `either(…)`. */
  get end(): Side | undefined {
    return this.#end;
  }

  /** The same names as they are within `either(…)`, of one end. */
  of(end: Side): Variables {
    return new Variables([...this.#fields.values()], end);
  }

  /**
   * What a name by itself means.
   * @throws FilterError with the names that are near.
   */
  named(name: string, start: number, end: number): Variable {
    if (this.#end !== undefined) return this.member(this.#end, name, start, end);
    const field = this.#fields.get(name);
    if (field) return field;
    if (isEnd(name) && this.#namesOf(name).length > 0) return name;
    const dotted = [...this.#fields.keys()].map((known) => known.replace(/^(src|dst)_/, '$1.'));
    const nearest = nearestNames(name, [...new Set([...this.#fields.keys(), ...dotted])]);
    throw new FilterError(`there is no field ${name}`, start, end, nearest);
  }

  /**
   * A field of an end.
   * @throws FilterError with the names that are near.
   */
  member(end: Side, name: string, start: number, textEnd: number): FieldDeclaration {
    const field = this.#fields.get(`${end}_${name}`);
    if (field) return field;
    const prefix = this.#end === undefined ? `${end}.` : '';
    const nearest = nearestNames(name, this.#namesOf(end)).map((near) => prefix + near);
    throw new FilterError(`an end has no field ${name}`, start, textEnd, nearest);
  }

  /** The field of this name; undefined if records have none. */
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
