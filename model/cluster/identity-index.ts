import { AddressTable } from '../net/address-table.js';
import type { EndpointIdentity } from './identity.js';
import { Intervals, NOBODY } from './intervals.js';
import type { Pod } from './objects.js';
import { PodRanges } from './pod-ranges.js';

/** The identity number of an address that nothing is known of. */
export const UNKNOWN_IDENTITY = NOBODY;

/**
 * An address of an interface, or one that leads to its owner in another way: a service's, or one that follows from a node's
 * pod range. Where both are known, the interface's owner has the address.
 */
export type AddressKind = 'own' | 'virtual';

/**
 * Who held which address when. An address belongs to an owner for an interval [from, to); a lookup names the
 * owner at a moment, so a flow is attributed by its own time and a reused address never goes to the wrong pod.
 *
 * An address that a pod or node has is theirs even if a service (a load balancer on the nodes, say) claims it too.
 * Lookups are allocation-free.
 */
export class IdentityIndex {
  readonly #addresses = new AddressTable();
  /** Where pods have had addresses. */
  readonly podRanges = new PodRanges();
  readonly #own = new Intervals();
  readonly #virtual = new Intervals();
  readonly #identities: (EndpointIdentity | undefined)[] = [undefined];
  readonly #pods: (Pod | undefined)[] = [undefined];
  /** How many intervals hold each identity number. */
  readonly #uses: number[] = [0];
  readonly #freed: number[] = [];
  #generation = 0;
  #forgotten = 0;

  /**
   * Registers an owner and gives it its number, which is never {@link UNKNOWN_IDENTITY}; `pod` is the object that a
   * pod's identity was read from.
   */
  add(identity: EndpointIdentity, pod?: Pod): number {
    const number = this.#freed.pop() ?? this.#identities.length;
    this.#identities[number] = identity;
    this.#pods[number] = pod;
    this.#uses[number] = 0;
    return number;
  }

  /** Says more exactly who an owner has been all the time. */
  correct(number: number, identity: EndpointIdentity): void {
    this.#identities[number] = identity;
  }

  /** The owner of a number; undefined for {@link UNKNOWN_IDENTITY}. */
  identity(number: number): EndpointIdentity | undefined {
    return this.#identities[number];
  }

  /** The pod object that an identity was read from. */
  pod(number: number): Pod | undefined {
    return this.#pods[number];
  }

  /** How many owners are kept. */
  get size(): number {
    return this.#identities.length - 1 - this.#freed.length;
  }

  /** How many owners were forgotten because they had been gone for longer than the horizon. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Changes whenever numbers of owners may come to stand for others; until then they may be remembered. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Says that `owner` holds the address from somewhere between `fromMs` and `sureMs` on, until another owner takes
   * it or it is released.
   */
  assign(
    address: Uint8Array,
    owner: number,
    fromMs: number,
    sureMs = fromMs,
    hold: AddressKind = 'own',
  ): void {
    const intervals = hold === 'own' ? this.#own : this.#virtual;
    if (this.#identities[owner]?.kind === 'pod') this.podRanges.add(address);
    if (intervals.assign(this.#addresses.intern(address, 0), owner, fromMs, sureMs)) this.use(owner);
  }

  /** Says that `owner` gave up the address at `toMs`. Nothing happens if another owner holds it by then. */
  release(address: Uint8Array, owner: number, toMs: number, hold: AddressKind = 'own'): void {
    const number = this.#addresses.find(address, 0);
    if (number >= 0) (hold === 'own' ? this.#own : this.#virtual).release(number, owner, toMs);
  }

  /** The number of who held the address at `offset` of `addresses` at `timeMs`. */
  lookup(addresses: Uint8Array, offset: number, timeMs: number): number {
    return this.holder(this.find(addresses, offset), timeMs);
  }

  /**
   * The place in the index of the address at `offset` of `addresses`, negative if it has none: for {@link holder},
   * where one address is looked up at many times. It holds until the index changes.
   */
  find(addresses: Uint8Array, offset: number): number {
    return this.#addresses.find(addresses, offset);
  }

  /** The number of who held the address of a place at `timeMs`. */
  holder(place: number, timeMs: number): number {
    if (place < 0) return UNKNOWN_IDENTITY;
    const owner = this.#own.lookup(place, timeMs);
    return owner === UNKNOWN_IDENTITY ? this.#virtual.lookup(place, timeMs) : owner;
  }

  /** Keeps an owner for one more interval than the index itself has of it; {@link unuse} undoes it. */
  use(owner: number): void {
    this.#uses[owner] = (this.#uses[owner] ?? 0) + 1;
  }

  readonly unuse = (owner: number): void => {
    const uses = (this.#uses[owner] ?? 0) - 1;
    this.#uses[owner] = uses;
    if (uses > 0) return;
    this.#identities[owner] = undefined;
    this.#pods[owner] = undefined;
    this.#freed.push(owner);
    this.#forgotten++;
    this.#generation++;
  };

  /** Forgets owners that held nothing at `beforeMs` or later, and addresses that nobody did. */
  forget(beforeMs: number): void {
    const { size } = this.#addresses;
    this.#own.forget(size, beforeMs, this.unuse);
    this.#virtual.forget(size, beforeMs, this.unuse);
    const kept: number[] = [];
    for (let number = 0; number < size; number++) {
      if (this.#own.isKnown(number) || this.#virtual.isKnown(number)) kept.push(number);
    }
    // Moving what is kept is worth it only if that is little.
    if (kept.length * 2 > size) return;
    const former = Uint32Array.from(kept);
    this.#addresses.keep(former);
    this.#own.renumber(former);
    this.#virtual.renumber(former);
  }
}
