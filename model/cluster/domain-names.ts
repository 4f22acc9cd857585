import { AddressTable } from '../net/address-table.js';

/** A DNS answer: `name`, or an alias of it, has the address. */
export interface DomainAnswer {
  /** Identifies the client. */
  readonly client: string;
  /** The name in the query, not the one that it is an alias of (CNAME). */
  readonly name: string;
  /** Time of the query, in ms since 1970. */
  readonly timeMs: number;
  /** How long the answer may be cached. */
  readonly ttlSeconds: number;
}

/** A name of an address and how long it is valid, starting with the query. */
interface ValidName {
  readonly name: string;
  readonly fromMs: number;
  untilMs: number;
  /** Times of the latest answers, newest first. */
  readonly answeredMs: readonly number[];
}

/** Maximum number of answer times per name. */
const ANSWERS_PER_NAME = 8;

/** Maximum number of names of an address per client; the oldest answers are dropped first. */
const NAMES_PER_CLIENT = 8;

/** Clients use answers longer than their TTL, and many TTLs are a few seconds. */
const MIN_TTL_MS = 60_000;
/** Resolvers do not cache answers longer (for example cache-max-ttl of Unbound). */
const MAX_TTL_MS = 86_400_000;
/** A connection outlives the answer that it was opened with: each lookup of a name extends its validity by this. */
const GRACE_MS = 600_000;
/** Times of flows are from the kernel's coarse clock, which is late by up to a tick (10 ms with HZ = 100). */
const CLOCK_TICK_MS = 10;

/** The names of one address. */
export class AddressNames {
  /** By client, newest answer first. */
  readonly #byClient = new Map<string, ValidName[]>();
  /** Names of all clients together. */
  #forAnyone: ValidName[] = [];
  #size = 0;

  /** Number of names over all clients. */
  get size(): number {
    return this.#size;
  }

  /** Adds an answer; returns how many names of the client were evicted. */
  add(answer: DomainAnswer): number {
    const held = this.#byClient.get(answer.client) ?? [];
    this.#byClient.set(answer.client, held);
    const before = held.length;
    putFirst(held, answer);
    putFirst(this.#forAnyone, answer);
    this.#forAnyone.splice(NAMES_PER_CLIENT);
    const evicted = held.splice(NAMES_PER_CLIENT).length;
    this.#size += held.length - before;
    return evicted;
  }

  /**
   * The name by which a client resolved the address for a connection that started at `startMs` and exists at `timeMs`: of the
   * names with an answer before the start, `likely` if it is one of them, else the one that was answered last; empty if there
   * is none. The lookup extends the validity of the name.
   */
  nameFor(client: string, timeMs: number, likely = '', startMs = timeMs): string {
    const held = this.#byClient.get(client);
    if (!held) return '';
    let found: ValidName | undefined;
    let latest = -Infinity;
    for (const one of held) {
      if (!isValid(one, timeMs)) continue;
      const answered = one.name === likely && one.fromMs <= startMs ? Infinity : latestAnswer(one, startMs);
      if (answered <= latest) continue;
      found = one;
      latest = answered;
    }
    if (!found) return '';
    found.untilMs = Math.max(found.untilMs, timeMs + GRACE_MS);
    return found.name;
  }

  /** The name by which all clients with an answer at a time resolved the address; empty if they differ. */
  soleName(timeMs: number): string {
    let sole = '';
    for (const one of this.#forAnyone) {
      if (!isValid(one, timeMs)) continue;
      if (sole !== '') return '';
      sole = one.name;
    }
    return sole;
  }

  /** Whether any client has a valid answer with the name at a time. */
  holds(name: string, timeMs: number): boolean {
    for (const held of this.#byClient.values()) {
      if (held.some((one) => one.name === name && one.untilMs > timeMs)) return true;
    }
    return false;
  }

  /** Number of names that are valid after a time. */
  countValid(timeMs: number): number {
    let count = 0;
    for (const held of this.#byClient.values()) count += held.filter((one) => one.untilMs > timeMs).length;
    return count;
  }

  /** Removes the names that are no longer valid. */
  forgetBefore(timeMs: number): void {
    for (const [client, held] of this.#byClient) {
      const kept = held.filter((one) => one.untilMs > timeMs);
      this.#size -= held.length - kept.length;
      if (kept.length > 0) this.#byClient.set(client, kept);
      else this.#byClient.delete(client);
    }
    this.#forAnyone = this.#forAnyone.filter((one) => one.untilMs > timeMs);
  }
}

/** Moves or adds the name of an answer to the beginning of a list. */
function putFirst(held: ValidName[], { name, timeMs, ttlSeconds }: DomainAnswer): void {
  const ttlMs = Math.min(Math.max(ttlSeconds * 1000, MIN_TTL_MS), MAX_TTL_MS);
  const former = held.findIndex((one) => one.name === name);
  const [known] = former < 0 ? [] : held.splice(former, 1);
  held.unshift({
    name,
    fromMs: Math.min(known?.fromMs ?? Infinity, timeMs - CLOCK_TICK_MS),
    untilMs: Math.max(known?.untilMs ?? 0, timeMs + ttlMs + GRACE_MS),
    answeredMs: [...new Set([timeMs, ...(known?.answeredMs ?? [])])]
      .sort((a, b) => b - a)
      .slice(0, ANSWERS_PER_NAME),
  });
}

/**
 * Time of the latest answer with a name before a connection started; `fromMs`, which is earlier by the inaccuracy of
 * the clock, if that is all that is known to be before; -Infinity if there is none.
 */
function latestAnswer({ fromMs, answeredMs }: ValidName, startMs: number): number {
  for (const answered of answeredMs) if (answered <= startMs) return answered;
  return fromMs <= startMs ? fromMs : -Infinity;
}

function isValid({ fromMs, untilMs }: ValidName, timeMs: number): boolean {
  return timeMs >= fromMs && timeMs < untilMs;
}

/** Addresses whose names were added or used at about the same time. */
interface Generation {
  readonly addresses: AddressTable;
  /** By id of the address; undefined once the address moved to the next generation. */
  readonly names: (AddressNames | undefined)[];
  size: number;
}

/**
 * The domain names of addresses by client and time, learned from DNS answers. Contains about `capacity` names:
 * addresses are kept in two generations, and those of the older one that were neither answered nor looked up while
 * the younger one filled up are dropped with it.
 */
export class DomainNames {
  #young = emptyGeneration();
  #old = emptyGeneration();
  #newestMs = 0;
  #evicted = 0;

  constructor(private readonly capacity: number) {}

  /** Number of names. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** Number of valid names that were dropped because the cache was full. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Adds an answer with the address at `offset` of `addresses`. */
  learn(addresses: Uint8Array, offset: number, answer: DomainAnswer): void {
    this.#newestMs = Math.max(this.#newestMs, answer.timeMs);
    if (this.#young.size * 2 >= this.capacity) this.#turn();
    // The younger generation has room now, so the names of the address are moved there.
    const names = this.find(addresses, offset) ?? this.#insert(addresses, offset, new AddressNames());
    const before = names.size;
    this.#evicted += names.add(answer);
    this.#young.size += names.size - before;
  }

  /** The names of the address at `offset` of `addresses`; undefined if it has none. One lookup and no allocation. */
  find(addresses: Uint8Array, offset: number): AddressNames | undefined {
    const young = this.#young.addresses.find(addresses, offset);
    if (young >= 0) return this.#young.names[young];
    const old = this.#old.addresses.find(addresses, offset);
    const names = old < 0 ? undefined : this.#old.names[old];
    if (!names || this.#young.size * 2 >= this.capacity) return names;
    this.#old.names[old] = undefined;
    this.#old.size -= names.size;
    names.forgetBefore(this.#newestMs);
    return this.#insert(addresses, offset, names);
  }

  /** Whether any client has a valid answer with `name` for the address (16 bytes) at a time; does not count as use. */
  holds(address: Uint8Array, name: string, timeMs: number): boolean {
    return [this.#young, this.#old].some(({ addresses, names }) => {
      return names[addresses.find(address, 0)]?.holds(name, timeMs) === true;
    });
  }

  #insert(addresses: Uint8Array, offset: number, names: AddressNames): AddressNames {
    this.#young.names[this.#young.addresses.intern(addresses, offset)] = names;
    this.#young.size += names.size;
    return names;
  }

  #turn(): void {
    for (const names of this.#old.names) this.#evicted += names?.countValid(this.#newestMs) ?? 0;
    this.#old = this.#young;
    this.#young = emptyGeneration();
  }
}

function emptyGeneration(): Generation {
  return { addresses: new AddressTable(), names: [], size: 0 };
}
