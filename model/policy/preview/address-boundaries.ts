import type { AddressPrefix } from '../../net/prefix.js';

/** IPv4 within IPv6, which every policy distinguishes from the rest. */
const MAPPED: AddressPrefix = { family: 4, network: mappedZero(), bits: 96 };

/**
 * The boundaries of prefixes in the address space: the first address of each prefix and the first address after it (16
 * bytes each, sorted). No policy distinguishes addresses between two neighboring boundaries.
 */
export function addressBoundaries(prefixes: readonly AddressPrefix[]): Uint8Array[] {
  const boundaries = new Map<string, Uint8Array>();
  for (const { network, bits } of [MAPPED, ...prefixes]) {
    for (const boundary of [network, after(network, bits)]) {
      if (boundary) boundaries.set(hexadecimal(boundary), boundary);
    }
  }
  return [...boundaries].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, boundary]) => boundary);
}

/** The first address after a prefix; undefined after the end of the address space. */
function after(network: Uint8Array, bits: number): Uint8Array | undefined {
  if (bits === 0) return undefined;
  const next = network.slice();
  let byte = (bits - 1) >> 3;
  let sum = (next[byte] ?? 0) + (0x80 >> ((bits - 1) & 7));
  while (sum > 0xff && byte > 0) {
    next[byte] = sum & 0xff;
    byte -= 1;
    sum = (next[byte] ?? 0) + 1;
  }
  if (sum > 0xff) return undefined;
  next[byte] = sum;
  return next;
}

function hexadecimal(address: Uint8Array): string {
  return Array.from(address, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

function mappedZero(): Uint8Array {
  const network = new Uint8Array(16);
  network.fill(0xff, 10, 12);
  return network;
}
