import { Session } from 'chdb';
import type { ParameterStrings } from './parameters.js';
import { quoted } from '../sql/sql-engine.js';
import { StoreError, type QueryOptions, type QuerySettings } from '../store.js';

/** Parameters can contain as many addresses as a request, so statements can be long. */
const MAX_STATEMENT_BYTES = 1 << 28;

/** A connection to an engine in this process. It runs one statement at a time, each with its own settings. */
export class ChdbConnection {
  readonly #session: Session;
  /** The settings of the previous statement; undefined before the first. */
  #set: readonly string[] | undefined;

  constructor(directory: string) {
    this.#session = new Session(directory);
  }

  /** @throws StoreError if a placeholder has no value, or the engine's error. */
  async run(
    sql: string,
    parameters: ParameterStrings,
    format: string,
    { signal, settings = {} }: QueryOptions,
  ): Promise<Uint8Array> {
    assertParametersSet(sql, parameters);
    await this.#apply(settings, parameters);
    signal?.throwIfAborted();
    const result = await this.#session.queryAsync(sql, { format });
    return result.bytes();
  }

  /**
   * Settings and parameters apply to the connection, so settings of the previous query are reset to their defaults.
   * Parameters are set here because chdb serializes statements with bound parameters across all connections.
   */
  async #apply(settings: QuerySettings, parameters: ParameterStrings): Promise<void> {
    if (this.#set === undefined) {
      await this.#session.queryAsync(`SET max_query_size = ${MAX_STATEMENT_BYTES}`);
    }
    const former = (this.#set ?? []).filter((name) => !(name in settings)).map((name) => `${name} = DEFAULT`);
    const given = Object.entries(parameters).map(([name, value]) => `param_${name} = ${quoted(value)}`);
    const assignments = [...former, ...Object.entries(settings).map(assignment), ...given];
    if (assignments.length > 0) await this.#session.queryAsync(`SET ${assignments.join(', ')}`);
    this.#set = Object.keys(settings);
  }

  close(): void {
    this.#session.close();
  }
}

/** A placeholder without a value would use the one of an earlier query. */
function assertParametersSet(sql: string, parameters: ParameterStrings): void {
  for (const [, name = ''] of sql.matchAll(/\{(\w+):/g)) {
    if (!Object.hasOwn(parameters, name)) throw new StoreError(`the parameter ${name} has no value`);
  }
}

/** A setting in a SET statement. Names come from code; the engine also accepts numbers as quoted strings. */
function assignment([name, value]: [string, string | number]): string {
  return typeof value === 'number' ? `${name} = ${value}` : `${name} = ${quoted(value)}`;
}
