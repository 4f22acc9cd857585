/**
 * Collects the values of a statement. What stands in the text is a placeholder of ClickHouse's (`{p1:String}`), so
 * whatever a value holds, it is never a part of the text.
 */
export class SqlParameters {
  readonly #values: Record<string, unknown> = {};
  #count = 0;

  /**
   * Takes a value in and returns its placeholder. `type` is a ClickHouse type, for example `Array(UInt16)`; it comes
   * from the program, never from a request.
   */
  add(value: unknown, type: string): string {
    const name = `p${++this.#count}`;
    this.#values[name] = value;
    return `{${name}:${type}}`;
  }

  /** The values by the names of their placeholders, as `FlowStore.query` takes them. */
  get values(): Readonly<Record<string, unknown>> {
    return this.#values;
  }
}
