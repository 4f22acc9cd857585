/** How much may happen: `burst` at once, and then so many a second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/** How many keys are told apart. The one used least recently is forgotten first, and then starts full again. */
const CAPACITY = 10_000;

/** A token bucket for each of many keys: what happens under a key takes a token, and tokens come back with time. */
export class TokenBuckets {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly rate: Rate,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Takes a token if there is one. Returns 0 if there was, else the seconds until there will be. */
  take(key: string): number {
    const bucket = this.#fill(key);
    if (bucket.tokens < 1) return (1 - bucket.tokens) / this.rate.perSecond;
    bucket.tokens--;
    return 0;
  }

  /** Gives a token back that was taken for nothing. */
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
