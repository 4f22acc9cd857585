/** A lab definition is invalid; the message names the file or object, the field and the expected value. */
export class LabDefinitionError extends Error {
  override readonly name = 'LabDefinitionError';
}

/** Reads typed values from a mapping of untyped YAML. Methods throw LabDefinitionError for unexpected values. */
export class Fields {
  private readonly values: Readonly<Record<string, unknown>>;

  /** @param where the file or object and the path inside it, for messages */
  constructor(
    value: unknown,
    readonly where: string,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw wrong(where, 'a mapping', value);
    this.values = value as Record<string, unknown>;
  }

  has(key: string): boolean {
    return this.values[key] !== undefined && this.values[key] !== null;
  }

  text(key: string): string {
    const value = this.values[key];
    if (typeof value !== 'string') throw wrong(this.path(key), 'a text', value);
    return value;
  }

  textOr(key: string, otherwise: string): string {
    return this.has(key) ? this.text(key) : otherwise;
  }

  oneOf<T extends string | number>(key: string, allowed: readonly T[]): T {
    const found = allowed.find((candidate) => candidate === this.values[key]);
    if (found === undefined) throw wrong(this.path(key), `one of ${allowed.join(', ')}`, this.values[key]);
    return found;
  }

  count(key: string): number {
    const value = this.values[key];
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
      throw wrong(this.path(key), 'a whole number', value);
    }
    return value;
  }

  isTrue(key: string): boolean {
    return this.values[key] === true;
  }

  /** A mapping inside this one; empty when it is absent. */
  fields(key: string): Fields {
    return new Fields(this.values[key] ?? {}, this.path(key));
  }

  /** A list of mappings; empty when it is absent. */
  list(key: string): Fields[] {
    return this.items(key).map((item, index) => new Fields(item, `${this.path(key)}[${index}]`));
  }

  /** A list of strings; empty if absent. */
  texts(key: string): string[] {
    return this.items(key).map((item, index) => {
      if (typeof item !== 'string') throw wrong(`${this.path(key)}[${index}]`, 'a text', item);
      return item;
    });
  }

  /** A mapping of strings to strings, such as labels; empty if absent. */
  textMap(key: string): Record<string, string> {
    const inner = this.fields(key);
    return Object.fromEntries(Object.keys(inner.values).map((name) => [name, inner.text(name)]));
  }

  /** The error for a field whose value has the right type but is invalid. */
  invalid(key: string, expected: string): LabDefinitionError {
    return wrong(this.path(key), expected, this.values[key]);
  }

  private items(key: string): unknown[] {
    const value = this.values[key] ?? [];
    if (!Array.isArray(value)) throw wrong(this.path(key), 'a list', value);
    return value;
  }

  private path(key: string): string {
    return `${this.where}.${key}`;
  }
}

function wrong(where: string, expected: string, found: unknown): LabDefinitionError {
  const shown = found === undefined ? 'absent' : JSON.stringify(found);
  return new LabDefinitionError(`${where} must be ${expected}, not ${shown}.`);
}
