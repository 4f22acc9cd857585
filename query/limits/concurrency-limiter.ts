/** How many have a turn at the same time, and how many may wait for one. */
export interface ConcurrencyLimits {
  readonly concurrent: number;
  readonly waiting: number;
}

interface Queue {
  running: number;
  /** Those who wait, first come first. */
  readonly waiting: Set<() => void>;
}

/** Gives turns under keys: under each key so many at the same time, the rest in the order they came. */
export class ConcurrencyLimiter {
  readonly #lines = new Map<string, Queue>();

  constructor(private readonly limits: ConcurrencyLimits) {}

  /**
   * Waits for a turn. Returns what gives it back (once; more often changes nothing), or undefined if too many wait
   * already.
   * @throws the signal's reason if it is aborted before the turn comes.
   */
  async acquire(key: string, signal: AbortSignal): Promise<(() => void) | undefined> {
    signal.throwIfAborted();
    const line = this.#lines.get(key) ?? { running: 0, waiting: new Set() };
    this.#lines.set(key, line);
    if (line.running < this.limits.concurrent) line.running++;
    else if (line.waiting.size >= this.limits.waiting) return undefined;
    else await this.#wait(line, signal);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#giveBack(key, line);
    };
  }

  /** How many have a turn under a key. */
  running(key: string): number {
    return this.#lines.get(key)?.running ?? 0;
  }

  #wait(line: Queue, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onTurn = () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      const onAbort = () => {
        line.waiting.delete(onTurn);
        reject(signal.reason as Error);
      };
      line.waiting.add(onTurn);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Hands the turn on to who waits longest. */
  #giveBack(key: string, line: Queue): void {
    const [next] = line.waiting;
    if (next) {
      line.waiting.delete(next);
      next();
      return;
    }
    line.running--;
    if (line.running === 0) this.#lines.delete(key);
  }
}
