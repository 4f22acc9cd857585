/** Returned if no result is cached. */
export const MISS = -1;

const WAYS = 4;
/** Words of an entry: two identities, protocol and port, further port, result, two epochs. */
const WORDS = 7;

/**
 * A bounded cache of result numbers by connection, without allocation: sets of four entries in one typed array.
 * An entry is valid only while the epochs of both endpoints are unchanged. A policy change advances the epochs of the
 * endpoints that it affects, so only their entries become invalid.
 */
export class ResultCache {
  readonly #words: Int32Array;
  readonly #sets: number;
  /** The way that the next entry of a full set replaces. */
  #victim = 0;

  /** @param capacity Maximum number of results, rounded up to a power of two. */
  constructor(capacity: number) {
    this.#sets = 2 ** Math.ceil(Math.log2(Math.max(1, capacity / WAYS)));
    this.#words = new Int32Array(this.#sets * WAYS * WORDS).fill(MISS);
  }

  /** Size of the cache in bytes. */
  get bytes(): number {
    return this.#words.byteLength;
  }

  get(
    source: number,
    destination: number,
    service: number,
    extra: number,
    sourceEpoch: number,
    destinationEpoch: number,
  ): number {
    const words = this.#words;
    let at = this.#set(source, destination, service, extra);
    for (const end = at + WAYS * WORDS; at < end; at += WORDS) {
      if (
        words[at] === source &&
        words[at + 1] === destination &&
        words[at + 2] === service &&
        words[at + 3] === extra &&
        words[at + 5] === sourceEpoch &&
        words[at + 6] === destinationEpoch
      ) {
        return words[at + 4] ?? MISS;
      }
    }
    return MISS;
  }

  set(
    source: number,
    destination: number,
    service: number,
    extra: number,
    sourceEpoch: number,
    destinationEpoch: number,
    result: number,
  ): void {
    const words = this.#words;
    const first = this.#set(source, destination, service, extra);
    let at = -1;
    for (let way = 0; way < WAYS && at < 0; way++) {
      const entry = first + way * WORDS;
      const same =
        words[entry] === source &&
        words[entry + 1] === destination &&
        words[entry + 2] === service &&
        words[entry + 3] === extra;
      if (same || words[entry] === MISS) at = entry;
    }
    if (at < 0) {
      this.#victim = (this.#victim + 1) % WAYS;
      at = first + this.#victim * WORDS;
    }
    words[at] = source;
    words[at + 1] = destination;
    words[at + 2] = service;
    words[at + 3] = extra;
    words[at + 4] = result;
    words[at + 5] = sourceEpoch;
    words[at + 6] = destinationEpoch;
  }

  /** Removes all entries. */
  clear(): void {
    this.#words.fill(MISS);
  }

  /** The first word of the set that a connection belongs to (multiply-xorshift hash). */
  #set(source: number, destination: number, service: number, extra: number): number {
    let hash = Math.imul(source, 0x9e3779b1) ^ Math.imul(destination, 0x85ebca77);
    hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae3d) ^ Math.imul(service, 0x27d4eb2f) ^ extra;
    hash = Math.imul(hash ^ (hash >>> 13), 0x165667b1);
    return ((hash ^ (hash >>> 16)) & (this.#sets - 1)) * WAYS * WORDS;
  }
}
