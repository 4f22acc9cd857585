import { AddressTable } from '../../net/address-table.js';
import { familyOf, formatPrefix, type AddressFamily, type AddressPrefix } from '../../net/prefix.js';

/** What policies can distinguish about an address: the facts that are true for it. Equal sets are one object. */
export interface AddressFactSet {
  readonly id: number;
  /** Undefined for the class of unknown addresses. */
  readonly family: AddressFamily | undefined;
  readonly facts: ReadonlySet<number>;
}

/** Maximum number of addresses whose class is cached; beyond it the cache starts over. */
const MAX_CACHED_ADDRESSES = 262_144;

/**
 * Facts about addresses: "is in 10.0.0.0/8", "is an address of node a", "was an answer for example.org". A fact is true
 * for the addresses in its prefixes. Addresses with the same facts are one class, and results are evaluated once per
 * class, however many addresses there are.
 *
 * The meaning of a fact never changes; if the meaning changes (the labels of a network set), a new fact replaces it. The
 * addresses for which a fact is true may change: `generation` then increases.
 */
export class AddressFacts {
  /** Increases whenever the class of an address may have changed. */
  generation = 0;
  /** The class of unknown addresses: whether a fact is true for them is undecided. */
  readonly unknown: AddressFactSet = { id: 0, family: undefined, facts: new Set() };
  #facts = 0;
  readonly #prefixesOf = new Map<number, readonly AddressPrefix[]>();
  /** For each prefix length, the facts by masked address. */
  readonly #byLength = new Map<number, Map<string, number[]>>();
  #lengths: readonly number[] = [];
  readonly #netFacts = new Map<string, number>();
  readonly #classByFacts = new Map<string, AddressFactSet>();
  #addresses = new AddressTable();
  #cachedClasses: AddressFactSet[] = [];

  /** Creates a fact that is true for the addresses in the prefixes. */
  add(prefixes: readonly AddressPrefix[]): number {
    const fact = this.#facts++;
    this.assign(fact, prefixes);
    return fact;
  }

  /** The fact that an address is in a prefix. */
  net(prefix: AddressPrefix): number {
    const text = formatPrefix(prefix);
    const known = this.#netFacts.get(text);
    if (known !== undefined) return known;
    const fact = this.add([prefix]);
    this.#netFacts.set(text, fact);
    return fact;
  }

  /** Sets the prefixes in which a fact is true. Equal prefixes are not a change. */
  assign(fact: number, prefixes: readonly AddressPrefix[]): void {
    const before = this.#prefixesOf.get(fact) ?? [];
    if (isSame(before, prefixes)) return;
    for (const prefix of before) this.#remove(fact, prefix);
    for (const prefix of prefixes) this.#insert(fact, prefix);
    if (prefixes.length === 0) this.#prefixesOf.delete(fact);
    else this.#prefixesOf.set(fact, prefixes);
    this.#lengths = [...this.#byLength.keys()].sort((a, b) => b - a);
    this.#forget();
    this.generation++;
  }

  /** The prefixes of all facts. */
  prefixes(): AddressPrefix[] {
    return [...this.#prefixesOf.values()].flat();
  }

  /** The class of the address at `offset` of `addresses`. */
  classOf(addresses: Uint8Array, offset: number): AddressFactSet {
    const known = this.#addresses.find(addresses, offset);
    if (known >= 0) return this.#cachedClasses[known] ?? this.unknown;
    if (this.#addresses.size >= MAX_CACHED_ADDRESSES) this.#forget();
    const found = this.#classify(addresses, offset);
    this.#cachedClasses[this.#addresses.intern(addresses, offset)] = found;
    return found;
  }

  /** Discards all classes; their numbers start over. */
  forgetClasses(): void {
    this.#classByFacts.clear();
    this.#forget();
  }

  #classify(addresses: Uint8Array, offset: number): AddressFactSet {
    const family = familyOf(addresses, offset);
    const facts: number[] = [];
    for (const length of this.#lengths) {
      // IPv6 prefixes do not contain IPv4 addresses, although ::/0 contains their mapped form.
      if (family === 4 && length < 96) break;
      facts.push(...(this.#byLength.get(length)?.get(maskedKey(addresses, offset, length)) ?? []));
    }
    const text = `${family}:${facts.sort((a, b) => a - b).join(',')}`;
    const known = this.#classByFacts.get(text);
    if (known) return known;
    const created: AddressFactSet = { id: this.#classByFacts.size + 1, family, facts: new Set(facts) };
    this.#classByFacts.set(text, created);
    return created;
  }

  #insert(fact: number, { network, bits }: AddressPrefix): void {
    let byAddress = this.#byLength.get(bits);
    if (!byAddress) this.#byLength.set(bits, (byAddress = new Map<string, number[]>()));
    const key = maskedKey(network, 0, bits);
    const facts = byAddress.get(key);
    if (!facts) byAddress.set(key, [fact]);
    else if (!facts.includes(fact)) facts.push(fact);
  }

  #remove(fact: number, { network, bits }: AddressPrefix): void {
    const byAddress = this.#byLength.get(bits);
    const key = maskedKey(network, 0, bits);
    const remaining = (byAddress?.get(key) ?? []).filter((other) => other !== fact);
    if (remaining.length > 0) byAddress?.set(key, remaining);
    else byAddress?.delete(key);
    if (byAddress?.size === 0) this.#byLength.delete(bits);
  }

  #forget(): void {
    if (this.#addresses.size === 0) return;
    this.#addresses = new AddressTable();
    this.#cachedClasses = [];
  }
}

/** Whether two lists hold the same prefixes in the same order. */
function isSame(a: readonly AddressPrefix[], b: readonly AddressPrefix[]): boolean {
  return (
    a.length === b.length &&
    a.every(({ bits, network }, index) => {
      const other = b[index];
      return other?.bits === bits && maskedKey(network, 0, bits) === maskedKey(other.network, 0, bits);
    })
  );
}

/** The first `bits` bits of an address as a key: 16-bit units as characters. */
function maskedKey(addresses: Uint8Array, offset: number, bits: number): string {
  let key = '';
  for (let unit = 0; unit * 16 < bits; unit++) {
    const at = offset + unit * 2;
    const value = ((addresses[at] ?? 0) << 8) | (addresses[at + 1] ?? 0);
    const kept = Math.min(16, bits - unit * 16);
    key += String.fromCharCode(value & (0xffff << (16 - kept)) & 0xffff);
  }
  return key;
}
