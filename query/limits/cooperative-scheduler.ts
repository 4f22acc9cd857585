import { setImmediate as yieldToEventLoop } from 'node:timers/promises';

/** How long tasks run before the scheduler returns to the event loop; a task can exceed it by one of its steps. */
const SLICE_MS = 5;

interface ScheduledTask {
  /** Runs the next step; true when the task has ended. Never throws. */
  readonly step: () => boolean;
}

/**
 * Runs CPU-bound tasks of many identities on one thread: one slice at a time, then other work of the event loop. Identities
 * get equal shares of the CPU, however many tasks each has; the tasks of one identity share its part equally.
 */
export class CooperativeScheduler {
  /** The tasks of each identity; the first task of the first identity runs next. */
  readonly #queues = new Map<string, ScheduledTask[]>();
  #isRunning = false;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /**
   * Runs a task that yields regularly.
   * @param identity who the task is for, for example `Access.subject`.
   * @throws what the task throws, or the signal's reason once it aborts.
   */
  run<Result>(identity: string, task: Generator<undefined, Result>, signal: AbortSignal): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const step = () => {
        try {
          signal.throwIfAborted();
          const { done, value } = task.next();
          if (done !== true) return false;
          resolve(value);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
        return true;
      };
      const queue = this.#queues.get(identity) ?? [];
      queue.push({ step });
      this.#queues.set(identity, queue);
      if (!this.#isRunning) void this.#runAll();
    });
  }

  async #runAll(): Promise<void> {
    this.#isRunning = true;
    while (this.#queues.size > 0) {
      await yieldToEventLoop();
      this.#runSlice();
    }
    this.#isRunning = false;
  }

  /** Runs the next task for a slice, then moves it and its identity to the end. */
  #runSlice(): void {
    const [next] = this.#queues;
    if (!next) return;
    const [identity, queue] = next;
    const task = queue.shift();
    const endMs = this.now() + SLICE_MS;
    let hasEnded = task === undefined;
    while (task && !hasEnded && this.now() < endMs) hasEnded = task.step();
    if (task && !hasEnded) queue.push(task);
    this.#queues.delete(identity);
    if (queue.length > 0) this.#queues.set(identity, queue);
  }
}
