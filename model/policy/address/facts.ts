import { AddressTable } from '../../net/address-table.js';
import { familyOf, formatPrefix, type AddressFamily, type AddressPrefix } from '../../net/prefix.js';

/** All that policies can tell of an address: the facts that hold of it. Equal classes are one object. */
export interface AddressFactSet {
  readonly id: number;
  /** Undefined for the class of addresses that are not known. */
  readonly family: AddressFamily | undefined;
  readonly facts: ReadonlySet<number>;
}

/** How many addresses' classes are remembered before the memory starts afresh. */
const MAX_CACHED_ADDRESSES = 262_144;

/**
 * Facts about addresses: "lies in 10.0.0.0/8", "is an address of node a", "answered for example.org". Each fact
 * holds of the addresses under its prefixes. Addresses of which the same facts hold are one class, so that an
 * outcome is worked out once for all of them, however many there are.
 *
 * What a fact means never changes; where something changes what it would say (the labels of a network set), a
 * new fact takes its place. Which addresses it holds of may change: `generation` then counts up.
 */
export class AddressFacts {
  /** Counts up whenever an address may have come into another class. */
  generation = 0;
  /** The class that stands for addresses which are not known: whether a fact holds of them is open. */
  readonly unknown: AddressFactSet = { id: 0, family: undefined, facts: new Set() };
  #facts = 0;
  readonly #prefixesOf = new Map<number, readonly AddressPrefix[]>();
  /** For each prefix length, the facts by masked address. */
  readonly #byLength = new Map<number, Map<string, number[]>>();
  #lengths: readonly number[] = [];
  readonly #netFacts = new Map<string, number>();
  readonly #classByFacts = new Map<string, AddressFactSet>();
  #addresses = new AddressTable();
  #remembered: AddressFactSet[] = [];

  /** A new fact, which holds of the addresses under the prefixes. */
  add(prefixes: readonly AddressPrefix[]): number {
    const fact = this.#facts++;
    this.assign(fact, prefixes);
    return fact;
  }

  /** The fact that an address lies under a prefix. */
  net(prefix: AddressPrefix): number {
    const text = formatPrefix(prefix);
    const known = this.#netFacts.get(text);
    if (known !== undefined) return known;
    const fact = this.add([prefix]);
    this.#netFacts.set(text, fact);
    return fact;
  }

  /** Says which addresses the fact holds of from now on; nothing changes if they are what they were. */
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

  /** All prefixes that facts are about. */
  prefixes(): AddressPrefix[] {
    return [...this.#prefixesOf.values()].flat();
  }

  /** The class of the address at `offset` of `addresses`. */
  classOf(addresses: Uint8Array, offset: number): AddressFactSet {
    const known = this.#addresses.find(addresses, offset);
    if (known >= 0) return this.#remembered[known] ?? this.unknown;
    if (this.#addresses.size >= MAX_CACHED_ADDRESSES) this.#forget();
    const found = this.#classify(addresses, offset);
    this.#remembered[this.#addresses.intern(addresses, offset)] = found;
    return found;
  }

  /** Forgets all classes, so that their numbers begin again. */
  forgetClasses(): void {
    this.#classByFacts.clear();
    this.#forget();
  }

  #classify(addresses: Uint8Array, offset: number): AddressFactSet {
    const family = familyOf(addresses, offset);
    const facts: number[] = [];
    for (const length of this.#lengths) {
      // Prefixes of IPv6 do not hold of IPv4, though the mapped form would let ::/0 do so.
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
    const left = (byAddress?.get(key) ?? []).filter((other) => other !== fact);
    if (left.length > 0) byAddress?.set(key, left);
    else byAddress?.delete(key);
    if (byAddress?.size === 0) this.#byLength.delete(bits);
  }

  #forget(): void {
    if (this.#addresses.size === 0) return;
    this.#addresses = new AddressTable();
    this.#remembered = [];
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
