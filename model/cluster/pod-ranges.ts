import { isMappedIpv4 } from '../net/address.js';
import { AddressTable } from '../net/address-table.js';

/** Bytes of a mapped IPv4 address, and of an IPv6 one, that the pods of one range have in common: /16 and /64. */
const COMMON_IPV4_BYTES = 14;
const COMMON_IPV6_BYTES = 8;

/**
 * The neighborhoods of addresses that pods have had: what lies there may be a pod's, though nobody knows of it yet.
 */
export class PodRanges {
  readonly #ranges = new AddressTable();
  readonly #range = new Uint8Array(16);

  /** Says that a pod holds the address (16 bytes). */
  add(address: Uint8Array): void {
    this.#ranges.intern(this.#rangeOf(address, 0), 0);
  }

  /** Whether the address at `offset` of `addresses` lies where pods do. */
  mayHold(addresses: Uint8Array, offset: number): boolean {
    return this.#ranges.size > 0 && this.#ranges.find(this.#rangeOf(addresses, offset), 0) >= 0;
  }

  #rangeOf(addresses: Uint8Array, offset: number): Uint8Array {
    const common = isMappedIpv4(addresses, offset) ? COMMON_IPV4_BYTES : COMMON_IPV6_BYTES;
    this.#range.fill(0);
    for (let byte = 0; byte < common; byte++) this.#range[byte] = addresses[offset + byte] ?? 0;
    return this.#range;
  }
}
