import { TokenBuckets } from '../limits/token-buckets.js';
import { Problem } from '../http/problem.js';
import type { Access } from '@sonde/query/access/access';
import { TokenRefused } from './identity.js';
import { sha256 } from './static-tokens.js';

/** How many tokens are remembered; the one not used for longest goes first. */
const CAPACITY = 10_000;
/** How long at most a good token is believed without being looked at again. */
const GOOD_MS = 300_000;
/** How long a refusal holds: who was refused a moment ago still is. */
const REFUSED_MS = 10_000;
/** Refused tokens of one address: so many at once, then so many a second. Guessing must be slow. */
const REFUSALS = { burst: 30, perSecond: 1 };

interface Memory {
  readonly result: Promise<Access>;
  untilMs: number;
}

/**
 * Remembers what tokens give, by their hashes, so that signatures are not checked and API servers not asked at every
 * request. Equal tokens get the same Access object.
 */
export class RecognizedTokens {
  readonly #memory = new Map<string, Memory>();
  readonly #refusals = new TokenBuckets(REFUSALS);

  constructor(private readonly recognize: (token: string) => Promise<Access>) {}

  /**
   * @param address where the request comes from.
   * @throws TokenRefused; Problem 429 if too many tokens from there were refused; what `recognize` threw.
   */
  async accessOf(token: string, address: string): Promise<Access> {
    const key = sha256(token);
    const known = this.#memory.get(key);
    if (known && Date.now() < known.untilMs) {
      // Put it to the end, as the one used last.
      this.#memory.delete(key);
      this.#memory.set(key, known);
      return known.result;
    }
    // Taken before it is known whether the token is good: many guesses at once are no fewer guesses.
    const wait = this.#refusals.take(address);
    if (wait > 0) {
      throw new Problem(429, 'too many tokens from your address were refused', [], {
        'retry-after': String(Math.ceil(wait)),
      });
    }
    const memory: Memory = { result: this.recognize(token), untilMs: Date.now() + GOOD_MS };
    this.#remember(key, memory);
    try {
      const access = await memory.result;
      memory.untilMs = Math.min(memory.untilMs, access.untilMs);
      this.#refusals.giveBack(address);
      return access;
    } catch (error) {
      if (error instanceof TokenRefused) memory.untilMs = Date.now() + REFUSED_MS;
      else {
        this.#memory.delete(key);
        this.#refusals.giveBack(address);
      }
      throw error;
    }
  }

  #remember(key: string, memory: Memory): void {
    this.#memory.delete(key);
    this.#memory.set(key, memory);
    const oldest = this.#memory.keys().next();
    if (this.#memory.size > CAPACITY && !oldest.done) this.#memory.delete(oldest.value);
  }
}
