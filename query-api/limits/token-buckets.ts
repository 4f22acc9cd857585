/** A rate with bursts. */
export interface Rate {
  /** Maximum number at once. */
  readonly burst: number;
  /** Sustained rate. */
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** Maximum number of buckets. The least recently used one is dropped first; its key starts with a full bucket again. */
const CAPACITY = 10_000;

/** A token bucket per key. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Takes a token. Returns 0 if there was one, else the seconds until the next one. */
  take(key: string): number {
    const bucket = this.#fill(key);
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.rate.perSecond;
    bucket.tokens--;
    return 0;
  }

  /** Returns a token that was not used. */
  giveBack(key: string): void {
    const bucket = this.#fill(key);
    bucket.tokens = Math.min(this.rate.burst, bucket.tokens + 1);
  }

  #fill(key: string): Bucket {
    const nowMs = this.now();
    const { burst, perSecond } = this.rate;
    const bucket = this.#buckets.get(key) ?? { tokens: burst, filledAtMs: nowMs };
    bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.filledAtMs) / 1000) * perSecond);
    bucket.filledAtMs = nowMs;
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    const oldest = this.#buckets.keys().next();
    if (this.#buckets.size > CAPACITY && !oldest.done) this.#buckets.delete(oldest.value);
    return bucket;
  }
}
