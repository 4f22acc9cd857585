import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { Session } from 'chdb';
import { ChdbConnection } from './connection.js';
import { toStoreError } from '../sql/engine-error.js';
import { formatParameters } from './parameters.js';
import type { QueryOptions, QueryParameters, QuerySettings } from '../store.js';

/**
 * How many threads Node has for what blocks (https://nodejs.org/api/cli.html#uv_threadpool_sizesize); a size that is no
 * number is one thread to it.
 */
const POOL_THREADS = Number.parseInt(process.env['UV_THREADPOOL_SIZE'] ?? '4', 10) || 1;

/**
 * A connection runs one statement after the other: this many queries run at once. Each takes a thread of Node's until it
 * ends. One is left for inserts and one for files and for ending queries, or slow queries would hold up all of it.
 */
const READERS = Math.max(1, POOL_THREADS - 2);

/** What holds for every query: 2 reads only, while a query may still limit itself. */
const READER_SETTINGS: QuerySettings = { output_format_json_quote_64bit_integers: 1, readonly: 2 };

/** Runs SELECTs on an engine in this process, a few at once, others in the order of their asking. */
export class ChdbQueryPool {
  readonly #directory: string;
  readonly #idle: ChdbConnection[] = [];
  readonly #waiting: ((reader: ChdbConnection) => void)[] = [];
  /** Kills what was cancelled; made when first needed. */
  #killer: Session | undefined;
  #open = 0;
  readonly #running = new Set<Promise<unknown>>();

  /** `directory` is the engine's. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The whole answer of a query in a format of ClickHouse's. */
  async read(
    sql: string,
    parameters: QueryParameters = {},
    format: string,
    { signal, settings = {} }: QueryOptions = {},
  ): Promise<Uint8Array> {
    signal?.throwIfAborted();
    const reader = await this.#take();
    const name = randomUUID();
    const answer = this.#track(
      reader
        .run(sql, formatParameters(parameters), format, {
          signal,
          settings: { max_threads: this.#threads(), ...settings, ...READER_SETTINGS, log_comment: name },
        })
        .finally(() => this.#give(reader)),
    );
    const kill = () => this.#kill(name);
    signal?.addEventListener('abort', kill, { once: true });
    try {
      return await answer;
    } catch (error) {
      signal?.throwIfAborted();
      throw toStoreError(error);
    } finally {
      signal?.removeEventListener('abort', kill);
    }
  }

  /** Waits for the queries under way and lets go of the engine. */
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

  /** The cores are shared by the queries that run; more threads than cores cost and gain nothing. */
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
    // The name was made here. With a parameter, chdb would have it wait for other statements with parameters.
    const kill = this.#killer.queryAsync(`KILL QUERY WHERE Settings['log_comment'] = '${name}'`, {
      format: 'Null',
    });
    // What cannot be killed ends by itself, and its caller is told then.
    void this.#track(kill.catch(() => undefined));
  }

  #track<Result>(running: Promise<Result>): Promise<Result> {
    this.#running.add(running);
    const forget = () => this.#running.delete(running);
    running.then(forget, forget);
    return running;
  }
}
