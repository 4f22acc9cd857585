import { TokenBuckets } from '../limits/token-buckets.js';
import { Problem } from '../http/problem.js';
import type { Access } from '@sonde/query/access/access';
import { TokenRejected } from './identity.js';
import { sha256 } from './static-tokens.js';

/** Maximum number of cached tokens; the least recently used one is dropped first. */
const CAPACITY = 10_000;
/** How long an accepted token is cached. */
const ACCEPTED_TTL_MS = 300_000;
/** How long a rejected token is cached. */
const REJECTED_TTL_MS = 10_000;
/** Rejected tokens per client address: guessing must be slow. */
const REJECTIONS = { burst: 30, perSecond: 1 };

interface CachedToken {
  readonly result: Promise<Access>;
  untilMs: number;
}

/**
 * Caches the access of tokens by their hashes, so that not every request verifies a signature or calls an API server.
 * Equal tokens get the same Access object.
 */
export class TokenCache {
  readonly #tokens = new Map<string, CachedToken>();
  readonly #rejections = new TokenBuckets(REJECTIONS);

  constructor(private readonly verify: (token: string) => Promise<Access>) {}

  /**
   * @param address IP address of the client.
   * @throws TokenRejected; Problem SONDE_RATE_LIMITED after too many rejected tokens from the address; what `verify`
   *   throws.
   */
  async accessOf(token: string, address: string): Promise<Access> {
    const key = sha256(token);
    const cached = this.#tokens.get(key);
    if (cached && Date.now() < cached.untilMs) {
      // Moves it to the end, as the most recently used.
      this.#tokens.delete(key);
      this.#tokens.set(key, cached);
      return cached.result;
    }
    // Taken before the token is verified, so that parallel guesses count too.
    const wait = this.#rejections.take(address);
    if (wait > 0) {
      throw new Problem('SONDE_RATE_LIMITED', 'too many invalid tokens from your address', {
        headers: { 'retry-after': String(Math.ceil(wait)) },
      });
    }
    const entry: CachedToken = { result: this.verify(token), untilMs: Date.now() + ACCEPTED_TTL_MS };
    this.#store(key, entry);
    try {
      const access = await entry.result;
      entry.untilMs = Math.min(entry.untilMs, access.untilMs);
      this.#rejections.giveBack(address);
      return access;
    } catch (error) {
      if (error instanceof TokenRejected) entry.untilMs = Date.now() + REJECTED_TTL_MS;
      else {
        this.#tokens.delete(key);
        this.#rejections.giveBack(address);
      }
      throw error;
    }
  }

  #store(key: string, entry: CachedToken): void {
    this.#tokens.delete(key);
    this.#tokens.set(key, entry);
    const oldest = this.#tokens.keys().next();
    if (this.#tokens.size > CAPACITY && !oldest.done) this.#tokens.delete(oldest.value);
  }
}
