import { Session } from 'chdb';
import type { QueryOptions, QueryParameters, QuerySettings } from './store.js';

/** A connection to an engine in this process. It runs one statement after the other, each with settings of its own. */
export class ChdbConnection {
  readonly #session: Session;
  #set: readonly string[] = [];

  constructor(directory: string) {
    this.#session = new Session(directory);
  }

  async run(
    sql: string,
    parameters: QueryParameters,
    format: string,
    { signal, settings = {} }: QueryOptions,
  ): Promise<Uint8Array> {
    await this.#apply(settings);
    signal?.throwIfAborted();
    const options = { format };
    const result =
      Object.keys(parameters).length > 0
        ? await this.#session.queryBindAsync(sql, parameters, options)
        : await this.#session.queryAsync(sql, options);
    return result.bytes();
  }

  /** Settings hold for a connection: those of the query before go back to what they are by default. */
  async #apply(settings: QuerySettings): Promise<void> {
    const former = this.#set.filter((name) => !(name in settings)).map((name) => `${name} = DEFAULT`);
    const assignments = [...former, ...Object.entries(settings).map(assignment)];
    if (assignments.length > 0) await this.#session.queryAsync(`SET ${assignments.join(', ')}`);
    this.#set = Object.keys(settings);
  }

  close(): void {
    this.#session.close();
  }
}

/** A setting as SET takes it. Names come from code; values are quoted as texts, which the engine reads as numbers too. */
function assignment([name, value]: [string, string | number]): string {
  return typeof value === 'number'
    ? `${name} = ${value}`
    : `${name} = '${value.replaceAll(/[\\']/g, '\\$&')}'`;
}
