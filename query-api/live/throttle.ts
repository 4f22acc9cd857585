import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';

/** Minimum pause; timers are not more precise. */
const MIN_PAUSE_MS = 5;

/** Runs tasks one after the other for at most half of the thread's time, so that other work on the thread continues. */
export class Throttle {
  #last: Promise<void> = Promise.resolve();
  /** Pause that is due for the work done so far. */
  #dueMs = 0;

  constructor(
    private readonly pause: (ms: number) => Promise<void> = delay,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Runs a task after those before it. @throws what the task throws. */
  async run<Result>(task: () => Result): Promise<Result> {
    const result = this.#last.then(() => this.#next(task));
    this.#last = result.then(
      () => undefined,
      () => undefined,
    );
    return await result;
  }

  async #next<Result>(task: () => Result): Promise<Result> {
    if (this.#dueMs >= MIN_PAUSE_MS) {
      await this.pause(this.#dueMs);
      this.#dueMs = 0;
    }
    const startMs = this.now();
    try {
      return task();
    } finally {
      // The thread writes to sockets until then; that counts as work too.
      await immediate();
      this.#dueMs += this.now() - startMs;
    }
  }
}
