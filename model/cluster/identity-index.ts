import { AddressTable } from '../net/address-table.js';
import type { EndpointIdentity } from './identity.js';
import { Intervals, NOBODY } from './intervals.js';
import type { Pod } from './objects.js';
import { PodRanges } from './pod-ranges.js';

/** The identity number of an unknown address. */
export const UNKNOWN_IDENTITY = NOBODY;

/**
 * An address of an interface, or one that leads to its owner in another way: a service's, or one that follows from a node's
 * pod range. Where both are known, the interface's owner has the address.
 */
export type AddressKind = 'own' | 'virtual';

/**
 * The owners of addresses over time. An address belongs to an owner for an interval [from, to); a lookup returns the
 * owner at a time, so that a flow is attributed by its own time and a reused address never to the wrong pod.
 *
 * An address of a pod or node takes precedence over the same address of a service, for example of a load balancer.
 * Lookups are allocation-free.
 */
export class IdentityIndex {
  readonly #addresses = new AddressTable();
  /** Ranges of addresses of pods. */
  readonly podRanges = new PodRanges();
  readonly #own = new Intervals();
  readonly #virtual = new Intervals();
  readonly #identities: (EndpointIdentity | undefined)[] = [undefined];
  readonly #pods: (Pod | undefined)[] = [undefined];
  /** Number of intervals of each identity. */
  readonly #uses: number[] = [0];
  readonly #freed: number[] = [];
  #generation = 0;
  #forgotten = 0;

  /**
   * Adds an owner; returns its number, which is never {@link UNKNOWN_IDENTITY}. `pod` is the object that a pod's
   * identity was read from.
   */
  add(identity: EndpointIdentity, pod?: Pod): number {
    const number = this.#freed.pop() ?? this.#identities.length;
    this.#identities[number] = identity;
    this.#pods[number] = pod;
    this.#uses[number] = 0;
    return number;
  }

  /** Replaces the identity of an owner for its whole time. */
  correct(number: number, identity: EndpointIdentity): void {
    this.#identities[number] = identity;
  }

  /** The identity with a number; undefined for {@link UNKNOWN_IDENTITY}. */
  identity(number: number): EndpointIdentity | undefined {
    return this.#identities[number];
  }

  /** The pod object that an identity was read from. */
  pod(number: number): Pod | undefined {
    return this.#pods[number];
  }

  /** Number of owners. */
  get size(): number {
    return this.#identities.length - 1 - this.#freed.length;
  }

  /** Number of owners that were removed because they were gone for longer than the horizon. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** Changes when numbers of owners may be reused; until then they can be cached. */
  get generation(): number {
    return this.#generation;
  }

  /**
   * Assigns the address to `owner` from a time between `fromMs` and `sureMs` on, until another owner gets it or it
   * is released.
   */
  assign(
    address: Uint8Array,
    owner: number,
    fromMs: number,
    sureMs = fromMs,
    kind: AddressKind = 'own',
  ): void {
    const intervals = kind === 'own' ? this.#own : this.#virtual;
    if (this.#identities[owner]?.kind === 'pod') this.podRanges.add(address);
    if (intervals.assign(this.#addresses.intern(address, 0), owner, fromMs, sureMs)) this.use(owner);
  }

  /** Ends the assignment of the address to `owner` at `toMs`. */
  release(address: Uint8Array, owner: number, toMs: number, kind: AddressKind = 'own'): void {
    const number = this.#addresses.find(address, 0);
    if (number >= 0) (kind === 'own' ? this.#own : this.#virtual).release(number, owner, toMs);
  }

  /** The owner of the address at `offset` of `addresses` at `timeMs`. */
  lookup(addresses: Uint8Array, offset: number, timeMs: number): number {
    return this.holder(this.find(addresses, offset), timeMs);
  }

  /**
   * The id of the address at `offset` of `addresses` for {@link holder}, if an address is looked up at many times; negative
   * if it is unknown. It is valid until the index changes.
   */
  find(addresses: Uint8Array, offset: number): number {
    return this.#addresses.find(addresses, offset);
  }

  /** The owner at `timeMs` of the address with an id. */
  holder(place: number, timeMs: number): number {
    if (place < 0) return UNKNOWN_IDENTITY;
    const owner = this.#own.lookup(place, timeMs);
    return owner === UNKNOWN_IDENTITY ? this.#virtual.lookup(place, timeMs) : owner;
  }

  /** Keeps an owner for an interval outside of the index; {@link unuse} reverts it. */
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

  /** Removes owners without an interval at `beforeMs` or later, and addresses without an owner. */
  forget(beforeMs: number): void {
    const { size } = this.#addresses;
    this.#own.forget(size, beforeMs, this.unuse);
    this.#virtual.forget(size, beforeMs, this.unuse);
    const kept: number[] = [];
    for (let number = 0; number < size; number++) {
      if (this.#own.isKnown(number) || this.#virtual.isKnown(number)) kept.push(number);
    }
    // Compaction pays off only if little is kept.
    if (kept.length * 2 > size) return;
    const former = Uint32Array.from(kept);
    this.#addresses.keep(former);
    this.#own.renumber(former);
    this.#virtual.renumber(former);
  }
}
