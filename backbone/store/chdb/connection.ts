import { Session } from 'chdb';
import type { ParameterStrings } from './parameters.js';
import { quoted } from '../sql/sql-engine.js';
import { StoreError, type QueryOptions, type QuerySettings } from '../store.js';

/** Parameters may hold as many addresses as a request can: statements may be long. */
const MAX_STATEMENT_BYTES = 1 << 28;

/** A connection to an engine in this process. It runs one statement after the other, each with settings of its own. */
export class ChdbConnection {
  readonly #session: Session;
  /** The settings of the statement before; undefined before the first. */
  #set: readonly string[] | undefined;

  constructor(directory: string) {
    this.#session = new Session(directory);
  }

  /** @throws StoreError if a placeholder has no value; what the engine throws. */
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
   * Settings and parameters hold for a connection: settings of the query before go back to what they are by default.
   * Parameters go this way because chdb runs statements that are given them directly one after the other, whatever
   * their connections.
   */
  async #apply(settings: QuerySettings, parameters: ParameterStrings): Promise<void> {
    if (this.#set === undefined) {
      await this.#session.queryAsync(`SET max_query_size = ${MAX_STATEMENT_BYTES}`);
    }
    const former = (this.#set ?? []).filter((name) => !(name in settings)).map((name) => `${name} = DEFAULT`);
    const given = Object.entries(parameters).map(([name, text]) => `param_${name} = ${quoted(text)}`);
    const assignments = [...former, ...Object.entries(settings).map(assignment), ...given];
    if (assignments.length > 0) await this.#session.queryAsync(`SET ${assignments.join(', ')}`);
    this.#set = Object.keys(settings);
  }

  close(): void {
    this.#session.close();
  }
}

/** Without a value of its own a placeholder would take the one of a query before. */
function assertParametersSet(sql: string, parameters: ParameterStrings): void {
  for (const [, name = ''] of sql.matchAll(/\{(\w+):/g)) {
    if (!Object.hasOwn(parameters, name)) throw new StoreError(`the parameter ${name} has no value`);
  }
}

/** A setting as SET takes it. Names come from code; values are quoted as texts, which the engine reads as numbers too. */
function assignment([name, value]: [string, string | number]): string {
  return typeof value === 'number' ? `${name} = ${value}` : `${name} = ${quoted(value)}`;
}
