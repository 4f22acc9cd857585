import { isMappedIpv4 } from '../net/address.js';
import { AddressTable } from '../net/address-table.js';

/** Length of a range in bytes of the mapped address: a /16 of IPv4, and a /64 of IPv6. */
const COMMON_IPV4_BYTES = 14;
const COMMON_IPV6_BYTES = 8;

/**
 * The ranges of addresses that pods have had: an unknown address in one of them may belong to a pod that is not reported yet.
 */
export class PodRanges {
  readonly #ranges = new AddressTable();
  readonly #range = new Uint8Array(16);

  /** Adds the range of a pod's address (16 bytes). */
  add(address: Uint8Array): void {
    this.#ranges.intern(this.#rangeOf(address, 0), 0);
  }

  /** Whether the address at `offset` of `addresses` is in a range of pods. */
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
