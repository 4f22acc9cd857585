import { AddressTable } from '../net/address-table.js';

/** An answer that a client got: `name`, or an alias of it, has the address. */
export interface DomainAnswer {
  /** Who asked, by any text that tells clients apart. */
  readonly client: string;
  /** The name that was asked for; what it is an alias of (CNAME) does not matter to who asked. */
  readonly name: string;
  /** When the client asked, ms since 1970. */
  readonly timeMs: number;
  /** How long the answer may be cached. */
  readonly ttlSeconds: number;
}

/** A name of an address, from the moment that it was asked for. */
interface HeldName {
  readonly name: string;
  readonly fromMs: number;
  untilMs: number;
}

/** How many names a client may know one address by; the oldest answers go first. */
const NAMES_PER_CLIENT = 8;

/** Clients use an answer somewhat longer than its TTL allows, and many TTLs are a few seconds. */
const MIN_TTL_MS = 60_000;
/** Resolvers do not keep answers longer (cache-max-ttl of Unbound, for one). */
const MAX_TTL_MS = 86_400_000;
/** A connection outlives the answer that it was made by: each lookup of a name keeps it this much longer. */
const GRACE_MS = 600_000;
/** Flows are stamped by the kernel's coarse clock, which is behind by up to a tick (10 ms with HZ = 100). */
const CLOCK_TICK_MS = 10;

/** The names of one address. */
export class AddressNames {
  /** By client, newest answer first. */
  readonly #byClient = new Map<string, HeldName[]>();
  /** Of all clients together, so that nobody has to look through them. */
  #forAnyone: HeldName[] = [];
  #size = 0;

  /** How many names of clients are held. */
  get size(): number {
    return this.#size;
  }

  /** Takes in an answer; returns how many of the client's names had to go for it. */
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
   * What a client called the address at a moment: `likely` if that is among the names answered to it, else the
   * newest; empty if it had no answer. A name that is asked for stays, as its connection may.
   */
  nameFor(client: string, timeMs: number, likely = ''): string {
    const held = this.#byClient.get(client);
    if (!held) return '';
    let found: HeldName | undefined;
    for (const one of held) {
      if (!isHeld(one, timeMs)) continue;
      found ??= one;
      if (one.name === likely) found = one;
    }
    if (!found) return '';
    found.untilMs = Math.max(found.untilMs, timeMs + GRACE_MS);
    return found.name;
  }

  /** The name that all clients who had an answer at a moment called the address; empty if they differ. */
  soleName(timeMs: number): string {
    let sole = '';
    for (const one of this.#forAnyone) {
      if (!isHeld(one, timeMs)) continue;
      if (sole !== '') return '';
      sole = one.name;
    }
    return sole;
  }

  /** Whether any client holds the name at a moment. */
  holds(name: string, timeMs: number): boolean {
    for (const held of this.#byClient.values()) {
      if (held.some((one) => one.name === name && one.untilMs > timeMs)) return true;
    }
    return false;
  }

  /** How many names are still held at a moment. */
  countHeld(timeMs: number): number {
    let count = 0;
    for (const held of this.#byClient.values()) count += held.filter((one) => one.untilMs > timeMs).length;
    return count;
  }

  /** Forgets names that are no longer held. */
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

/** Puts an answer's name at the beginning of a list that may hold it already. */
function putFirst(held: HeldName[], { name, timeMs, ttlSeconds }: DomainAnswer): void {
  const ttlMs = Math.min(Math.max(ttlSeconds * 1000, MIN_TTL_MS), MAX_TTL_MS);
  const former = held.findIndex((one) => one.name === name);
  const [known] = former < 0 ? [] : held.splice(former, 1);
  held.unshift({
    name,
    fromMs: Math.min(known?.fromMs ?? Infinity, timeMs - CLOCK_TICK_MS),
    untilMs: Math.max(known?.untilMs ?? 0, timeMs + ttlMs + GRACE_MS),
  });
}

function isHeld({ fromMs, untilMs }: HeldName, timeMs: number): boolean {
  return timeMs >= fromMs && timeMs < untilMs;
}

/** Addresses whose names came or were used at about the same time. */
interface Generation {
  readonly addresses: AddressTable;
  /** By number of the address; undefined once it has moved to the next generation. */
  readonly names: (AddressNames | undefined)[];
  size: number;
}

/**
 * Which domain names an address had for whom and when, learned from DNS answers. Holds about `capacity` names:
 * addresses are kept in two generations, and those of the older one that were neither answered nor looked up while
 * the younger one filled up are dropped with it.
 */
export class DomainNames {
  #young = emptyGeneration();
  #old = emptyGeneration();
  #newestMs = 0;
  #evicted = 0;

  constructor(private readonly capacity: number) {}

  /** How many names are held. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** How many names were dropped for want of room while they were still held. */
  get evicted(): number {
    return this.#evicted;
  }

  /** Takes in that the 16 bytes at `offset` of `addresses` were answered. */
  learn(addresses: Uint8Array, offset: number, answer: DomainAnswer): void {
    this.#newestMs = Math.max(this.#newestMs, answer.timeMs);
    if (this.#young.size * 2 >= this.capacity) this.#turn();
    // There is room in the younger generation now, so that is where the address's names are from here on.
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

  /** Whether any client holds `name` for the address (16 bytes) at a moment; does not count as use of the address. */
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
    for (const names of this.#old.names) this.#evicted += names?.countHeld(this.#newestMs) ?? 0;
    this.#old = this.#young;
    this.#young = emptyGeneration();
  }
}

function emptyGeneration(): Generation {
  return { addresses: new AddressTable(), names: [], size: 0 };
}
