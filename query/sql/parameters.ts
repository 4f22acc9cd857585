/**
 * Collects the values of a statement. The statement contains ClickHouse's placeholders (`{p1:String}`) only, so values
 * cannot change it.
 */
export class SqlParameters {
  readonly #values: Record<string, unknown> = {};
  #count = 0;

  /**
   * Adds a value and returns its placeholder. `type` is a ClickHouse type, for example `Array(UInt16)`; never take it
   * from a request.
   */
  add(value: unknown, type: string): string {
    const name = `p${++this.#count}`;
    this.#values[name] = value;
    return `{${name}:${type}}`;
  }

  /** The values by placeholder name, for `FlowStore.query`. */
  get values(): Readonly<Record<string, unknown>> {
    return this.#values;
  }
}
