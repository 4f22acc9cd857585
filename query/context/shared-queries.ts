import type { FlowStore, QueryOptions } from '@sonde/backbone/store/store';
import type { SqlParameters } from '../sql/parameters.js';

/** Maximum number of rows of all cached results; the oldest results are dropped first. */
const MAX_CACHED_ROWS = 50_000;

/** The result of a statement, while the query runs and shortly after. */
interface SharedResult {
  readonly rows: Promise<readonly unknown[]>;
  /** When it expires, in ms of the monotonic clock. */
  readonly untilMs: number;
  /** Number of rows; undefined while the query runs. */
  rowCount: number | undefined;
  /** Number of clients that wait for it; the query is canceled when none is left. */
  waiting: number;
  readonly controller: AbortController;
}

/**
 * Runs equal queries of several clients, such as those of a dashboard, only once. The client's rights are part of the
 * statement and its values (`visibleRecords`), so equal statements have equal results whoever runs them.
 */
export class SharedQueries {
  /** By statement and values, oldest first. */
  readonly #results = new Map<string, SharedResult>();
  #cachedRows = 0;

  constructor(private readonly store: Pick<FlowStore, 'query'>) {}

  /**
   * The rows of a statement. They are shared: do not modify them.
   * @param freshMs how long the result is shared, from the start of the query.
   * @throws StoreError as `FlowStore.query` does, or the signal's reason.
   */
  async query<Row>(
    sql: string,
    parameters: SqlParameters,
    freshMs: number,
    { signal, settings }: QueryOptions,
  ): Promise<readonly Row[]> {
    signal?.throwIfAborted();
    const key = keyOf([sql, parameters.values, settings]);
    this.#expire();
    const result = this.#results.get(key) ?? this.#start(key, sql, parameters, freshMs, settings);
    return (await this.#wait(key, result, signal)) as readonly Row[];
  }

  #start(
    key: string,
    sql: string,
    parameters: SqlParameters,
    freshMs: number,
    settings: QueryOptions['settings'],
  ): SharedResult {
    const controller = new AbortController();
    const result: SharedResult = {
      rows: this.store.query(sql, parameters.values, { signal: controller.signal, settings }),
      untilMs: performance.now() + freshMs,
      rowCount: undefined,
      waiting: 0,
      controller,
    };
    this.#results.set(key, result);
    result.rows.then(
      (rows) => this.#cache(result, rows.length),
      () => this.#drop(key, result),
    );
    return result;
  }

  async #wait(
    key: string,
    result: SharedResult,
    signal: AbortSignal | undefined,
  ): Promise<readonly unknown[]> {
    result.waiting += 1;
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([result.rows, aborted]);
    } finally {
      if (onAbort) signal?.removeEventListener('abort', onAbort);
      result.waiting -= 1;
      if (result.waiting === 0 && result.rowCount === undefined) {
        this.#drop(key, result);
        result.controller.abort();
      }
    }
  }

  #cache(result: SharedResult, rows: number): void {
    result.rowCount = rows;
    this.#cachedRows += rows;
    this.#expire();
  }

  /** Drops expired results, and the oldest ones beyond the limit. */
  #expire(): void {
    const nowMs = performance.now();
    for (const [key, result] of this.#results) {
      if (result.rowCount === undefined) continue;
      if (result.untilMs < nowMs || this.#cachedRows > MAX_CACHED_ROWS) this.#drop(key, result);
    }
  }

  #drop(key: string, result: SharedResult): void {
    if (this.#results.get(key) !== result) return;
    this.#results.delete(key);
    this.#cachedRows -= result.rowCount ?? 0;
  }
}

/** Writes integers as digits; their placeholders in the statement distinguish them from strings. */
function keyOf(query: readonly unknown[]): string {
  return JSON.stringify(query, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
