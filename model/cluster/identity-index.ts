import { AddressTable } from './address-table.js';
import type { EndpointIdentity } from './identity.js';

/** The identity number of an address that nothing is known of. */
export const UNKNOWN_IDENTITY = 0;

/**
 * Who held which address when. An address belongs to an owner for an interval [from, to); a look-up names the
 * owner at a moment, so a flow is attributed by its own time and a reused address never goes to the wrong pod.
 *
 * Look-ups are allocation-free: addresses are interned to numbers, and each number heads a chain of intervals,
 * newest first, in flat arrays.
 */
export class IdentityIndex {
  readonly #addresses = new AddressTable();
  readonly #identities: (EndpointIdentity | undefined)[] = [undefined];
  /** The newest interval of each address number, -1 for none. */
  #newest: Int32Array<ArrayBuffer> = new Int32Array(1024).fill(-1);
  /** The intervals: start and end in ms, owner's identity number, and the next older interval of the address. */
  #from: Float64Array<ArrayBuffer> = new Float64Array(1024);
  #to: Float64Array<ArrayBuffer> = new Float64Array(1024);
  #owner: Uint32Array<ArrayBuffer> = new Uint32Array(1024);
  #older: Int32Array<ArrayBuffer> = new Int32Array(1024);
  #intervals = 0;

  /** Registers an owner and gives it its number, which is never {@link UNKNOWN_IDENTITY}. */
  add(identity: EndpointIdentity): number {
    return this.#identities.push(identity) - 1;
  }

  /** The owner of a number; undefined for {@link UNKNOWN_IDENTITY}. */
  identity(number: number): EndpointIdentity | undefined {
    return this.#identities[number];
  }

  /** How many identity numbers there are, the unknown one included: they run from 0. */
  get identityCount(): number {
    return this.#identities.length;
  }

  /**
   * Says that `owner` holds the address from `fromMs` on, until another owner takes it or it is released. An
   * interval of another owner that is still open ends where this one starts.
   */
  assign(address: Uint8Array, owner: number, fromMs: number): void {
    const number = this.#addresses.intern(address, 0);
    if (number >= this.#newest.length) this.#newest = enlarged(this.#newest, Int32Array, -1);
    const newest = this.#newest[number] ?? -1;
    if (newest >= 0 && (this.#to[newest] ?? 0) > fromMs) {
      if (this.#owner[newest] === owner) return;
      this.#to[newest] = fromMs;
    }
    const interval = this.#newInterval();
    this.#from[interval] = fromMs;
    this.#to[interval] = Infinity;
    this.#owner[interval] = owner;
    this.#older[interval] = newest;
    this.#newest[number] = interval;
  }

  /** Says that `owner` gave up the address at `toMs`. Nothing happens if another owner holds it by then. */
  release(address: Uint8Array, owner: number, toMs: number): void {
    const number = this.#addresses.find(address, 0);
    const newest = number < 0 ? -1 : (this.#newest[number] ?? -1);
    if (newest >= 0 && this.#owner[newest] === owner && (this.#to[newest] ?? 0) > toMs)
      this.#to[newest] = toMs;
  }

  /** The number of who held the address at `offset` of `addresses` at `timeMs`. */
  lookup(addresses: Uint8Array, offset: number, timeMs: number): number {
    const number = this.#addresses.find(addresses, offset);
    if (number < 0) return UNKNOWN_IDENTITY;
    for (let interval = this.#newest[number] ?? -1; interval >= 0; interval = this.#older[interval] ?? -1) {
      if (timeMs >= (this.#from[interval] ?? 0)) {
        return timeMs < (this.#to[interval] ?? 0) ? (this.#owner[interval] ?? 0) : UNKNOWN_IDENTITY;
      }
    }
    return UNKNOWN_IDENTITY;
  }

  #newInterval(): number {
    const interval = this.#intervals++;
    if (interval >= this.#from.length) {
      this.#from = enlarged(this.#from, Float64Array, 0);
      this.#to = enlarged(this.#to, Float64Array, 0);
      this.#owner = enlarged(this.#owner, Uint32Array, 0);
      this.#older = enlarged(this.#older, Int32Array, -1);
    }
    return interval;
  }
}

function enlarged<Column extends { length: number; set(from: Column): void; fill(value: number): Column }>(
  column: Column,
  make: new (length: number) => Column,
  filler: number,
): Column {
  const larger = new make(column.length * 2).fill(filler);
  larger.set(column);
  return larger;
}
