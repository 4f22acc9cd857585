import { AddressError, formatAddress, isMappedIpv4, parseAddress } from './address.js';

/** An address prefix. IPv4 prefixes are counted within the mapped form, so their lengths run from 96 to 128. */
export interface AddressPrefix {
  readonly family: AddressFamily;
  /** 16 bytes, with all bits past the length zero. */
  readonly network: Uint8Array;
  /** Bits of the 128 that count. */
  readonly bits: number;
}

export type AddressFamily = 4 | 6;

/**
 * Reads `address/length`, or an address alone as a prefix of one address. Bits past the length are cleared, as
 * every policy API does.
 * @throws AddressError if the text is no prefix.
 */
export function parsePrefix(text: string): AddressPrefix {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const family: AddressFamily = isMappedIpv4(address) && text.includes('.') ? 4 : 6;
  const width = family === 4 ? 32 : 128;
  const length = slash < 0 ? width : decimal(text.slice(slash + 1));
  if (length > width) throw new AddressError(text);
  const bits = length + 128 - width;
  return { family, network: masked(address, bits), bits };
}

/** The prefix that holds one address, given as 16 bytes. */
export function addressPrefix(address: Uint8Array): AddressPrefix {
  return { family: familyOf(address), network: address, bits: 128 };
}

/** The prefix as text, such as `10.0.0.0/8`. */
export function formatPrefix({ family, network, bits }: AddressPrefix): string {
  return `${formatAddress(network)}/${family === 4 ? bits - 96 : bits}`;
}

/** Whether every address of `inner` is one of `outer`. */
export function contains(outer: AddressPrefix, inner: AddressPrefix): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false;
  const cut = masked(inner.network, outer.bits);
  return cut.every((byte, index) => byte === outer.network[index]);
}

/** The family of the address at `offset`. */
export function familyOf(addresses: Uint8Array, offset = 0): AddressFamily {
  return isMappedIpv4(addresses, offset) ? 4 : 6;
}

function masked(address: Uint8Array, bits: number): Uint8Array {
  return address.map((byte, index) => {
    const kept = Math.min(8, Math.max(0, bits - index * 8));
    return byte & (0xff << (8 - kept));
  });
}

/** A prefix length in plain digits; NaN-proof: what is no number is longer than any address. */
function decimal(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Infinity;
}
