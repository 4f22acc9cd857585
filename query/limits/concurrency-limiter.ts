/** Limits of concurrent and of waiting tasks. */
export interface ConcurrencyLimits {
  readonly concurrent: number;
  readonly waiting: number;
}

interface Queue {
  running: number;
  /** Callbacks of waiting tasks, in order of arrival. */
  readonly waiting: Set<() => void>;
}

/** Limits the concurrent tasks of each key; others wait in order of arrival. */
export class ConcurrencyLimiter {
  readonly #queues = new Map<string, Queue>();

  constructor(private readonly limits: ConcurrencyLimits) {}

  /**
   * Waits until a task may run. Returns a function that ends the task (idempotent), or undefined if too many are
   * waiting.
   * @throws the signal's reason if it aborts while waiting.
   */
  async acquire(key: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted();
    const queue = this.#queues.get(key) ?? { running: 0, waiting: new Set() };
    this.#queues.set(key, queue);
    if (queue.running < this.limits.concurrent) queue.running++;
    else if (queue.waiting.size >= this.limits.waiting) return undefined;
    else await this.#wait(queue, signal);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#release(key, queue);
    };
  }

  /** Number of running tasks of a key. */
  running(key: string): number {
    return this.#queues.get(key)?.running ?? 0;
  }

  #wait(queue: Queue, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        queue.waiting.delete(onTurn);
        reject(signal.reason as Error);
      };
      queue.waiting.add(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Lets the task that has waited longest run. */
  #release(key: string, queue: Queue): void {
    const [next] = queue.waiting;
    if (next) {
      queue.waiting.delete(next);
      next();
      return;
    }
    queue.running--;
    if (queue.running === 0) this.#queues.delete(key);
  }
}
