import type { FlowStore, QueryOptions } from '@sonde/backbone/store/store';
import type { SqlParameters } from '../sql/parameters.js';

/** How many rows all answers that are kept may have together; those kept longest go first. */
const MAX_KEPT_ROWS = 50_000;

/** A statement's answer, while it is worked out and for a moment after. */
interface Answer {
  readonly rows: Promise<readonly unknown[]>;
  /** When it is no longer given to others, in milliseconds of the monotonic clock. */
  readonly untilMs: number;
  /** How many rows it keeps in memory; undefined while it is worked out. */
  count: number | undefined;
  /** Who waits for it; when nobody is left, it is given up. */
  waiting: number;
  readonly abandon: AbortController;
}

/**
 * Works out once what many ask at the same time, as the people before a dashboard do. Access is in the statement
 * and its values, as `visibleRecords` puts it there: equal ones have equal answers, whoever asks.
 */
export class SharedAnswers {
  /** By statement and values, in the order of their asking. */
  readonly #answers = new Map<string, Answer>();
  #keptRows = 0;

  constructor(private readonly store: Pick<FlowStore, 'query'>) {}

  /**
   * The rows of a statement, which others are given too: they may not be changed.
   * @param freshMs how long after its asking an answer is given to others who ask the same.
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
    this.#forgetOld();
    const answer = this.#answers.get(key) ?? this.#ask(key, sql, parameters, freshMs, settings);
    return (await this.#wait(key, answer, signal)) as readonly Row[];
  }

  #ask(
    key: string,
    sql: string,
    parameters: SqlParameters,
    freshMs: number,
    settings: QueryOptions['settings'],
  ): Answer {
    const abandon = new AbortController();
    const answer: Answer = {
      rows: this.store.query(sql, parameters.values, { signal: abandon.signal, settings }),
      untilMs: performance.now() + freshMs,
      count: undefined,
      waiting: 0,
      abandon,
    };
    this.#answers.set(key, answer);
    answer.rows.then(
      (rows) => this.#keep(answer, rows.length),
      () => this.#forget(key, answer),
    );
    return answer;
  }

  async #wait(key: string, answer: Answer, signal: AbortSignal | undefined): Promise<readonly unknown[]> {
    answer.waiting += 1;
    let leave: (() => void) | undefined;
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(signal?.reason as Error);
      signal?.addEventListener('abort', leave, { once: true });
    });
    try {
      return await Promise.race([answer.rows, left]);
    } finally {
      if (leave) signal?.removeEventListener('abort', leave);
      answer.waiting -= 1;
      if (answer.waiting === 0 && answer.count === undefined) {
        this.#forget(key, answer);
        answer.abandon.abort();
      }
    }
  }

  #keep(answer: Answer, rows: number): void {
    answer.count = rows;
    this.#keptRows += rows;
    this.#forgetOld();
  }

  /** Forgets what is too old to be given, and the oldest of what is too much. */
  #forgetOld(): void {
    const nowMs = performance.now();
    for (const [key, answer] of this.#answers) {
      if (answer.count === undefined) continue;
      if (answer.untilMs < nowMs || this.#keptRows > MAX_KEPT_ROWS) this.#forget(key, answer);
    }
  }

  #forget(key: string, answer: Answer): void {
    if (this.#answers.get(key) !== answer) return;
    this.#answers.delete(key);
    this.#keptRows -= answer.count ?? 0;
  }
}

/** Whole numbers as digits: their placeholders in the statement tell them from texts. */
function keyOf(asked: readonly unknown[]): string {
  return JSON.stringify(asked, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
}
