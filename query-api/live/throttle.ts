import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';

/** Rests are of this many milliseconds at least: timers are no finer. */
const MIN_PAUSE_MS = 5;

/**
 * Lets many do pieces of work one after the other for half of a thread's time at most, so that what else runs on it, as storing what
 * comes, goes on whatever they have to do.
 */
export class Throttle {
  #last: Promise<void> = Promise.resolve();
  /** How long to rest for the work that was done. */
  #owedMs = 0;

  constructor(
    private readonly rest: (ms: number) => Promise<void> = delay,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Does a piece of work when its turn comes. @throws what the work throws. */
  async run<Result>(work: () => Result): Promise<Result> {
    const turn = this.#last.then(() => this.#turn(work));
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    return await turn;
  }

  async #turn<Result>(work: () => Result): Promise<Result> {
    if (this.#owedMs >= MIN_PAUSE_MS) {
      await this.rest(this.#owedMs);
      this.#owedMs = 0;
    }
    const startMs = this.now();
    try {
      return work();
    } finally {
      // What was handed to sockets is written until then, by this thread too.
      await immediate();
      this.#owedMs += this.now() - startMs;
    }
  }
}
