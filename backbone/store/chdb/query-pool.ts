import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Session } from 'chdb';
import { ChdbConnection } from './connection.js';
import { toStoreError } from '../sql/engine-error.js';
import { formatParameters } from './parameters.js';
import type { QueryOptions, QueryParameters, QuerySettings } from '../store.js';

/**
 * Size of Node's thread pool (https://nodejs.org/api/cli.html#uv_threadpool_sizesize), which uses one thread if the value
 * is not a number.
 */
const POOL_THREADS = Number.parseInt(process.env['UV_THREADPOOL_SIZE'] ?? '4', 10) || 1;

/**
 * Maximum number of concurrent queries, each on its own connection and on a thread of Node's pool until it ends. One
 * thread is left for inserts and one for files and KILL QUERY, so that slow queries do not block them.
 */
const READERS = Math.max(1, POOL_THREADS - 2);

/** Settings of every query; `readonly: 2` allows only reads but lets a query change its own limits. */
const READER_SETTINGS: QuerySettings = { output_format_json_quote_64bit_integers: 1, readonly: 2 };

/** Runs SELECTs on an engine in this process: a few concurrently, the others in order of arrival. */
export class ChdbQueryPool {
  readonly #directory: string;
  readonly #idle: ChdbConnection[] = [];
  readonly #waiting: ((reader: ChdbConnection) => void)[] = [];
  /** Kills aborted queries; created when first needed. */
  #killer: Session | undefined;
  #open = 0;
  readonly #running = new Set<Promise<unknown>>();

  /** @param directory the engine's directory. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /**
   * Runs a query; resolves with its complete result in a ClickHouse format.
   * @throws StoreError, or the abort reason of the signal.
   */
  async read(
    sql: string,
    parameters: QueryParameters = {},
    format: string,
    { signal, settings = {} }: QueryOptions = {},
  ): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const formatted = formatParameters(parameters);
    const reader = await this.#take();
    const name = randomUUID();
    const result = this.#track(
      reader
        .run(sql, formatted, format, {
          signal,
          settings: { max_threads: this.#threads(), ...settings, ...READER_SETTINGS, log_comment: name },
        })
        .finally(() => this.#give(reader)),
    );
    const kill = () => this.#kill(name);
    signal?.addEventListener('abort', kill, { once: true });
    try {
      return await result;
    } catch (error) {
      signal?.throwIfAborted();
      throw toStoreError(error);
    } finally {
      signal?.removeEventListener('abort', kill);
    }
  }

  /** Waits for running queries and closes the connections. */
  async close(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
    for (const reader of this.#idle.splice(0)) reader.close();
    this.#killer?.close();
  }

  async #take(): Promise<ChdbConnection> {
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#open < READERS) {
      this.#open++;
      return new ChdbConnection(this.#directory);
    }
    return await new Promise<ChdbConnection>((resolve) => this.#waiting.push(resolve));
  }

  /** Running queries share the cores; more threads than cores only cost. */
  #threads(): number {
    return Math.max(1, Math.floor(availableParallelism() / (this.#open - this.#idle.length)));
  }

  #give(reader: ChdbConnection): void {
    const next = this.#waiting.shift();
    if (next) next(reader);
    else this.#idle.push(reader);
  }

  #kill(name: string): void {
    this.#killer ??= new Session(this.#directory);
    // Not as a parameter: chdb would make it wait for other statements with parameters.
    const kill = this.#killer.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = '${name}'`, {
      format: 'Null',
    });
    // A query that cannot be killed ends by itself, and its caller gets the abort reason then.
    void this.#track(kill.catch(() => undefined));
  }

  #track<Result>(running: Promise<Result>): Promise<Result> {
    this.#running.add(running);
    const forget = () => this.#running.delete(running);
    running.then(forget, forget);
    return running;
  }
}
