import { isMappedIpv4 } from './address.js';

/** What an address's place in the address space says of it, whoever holds it. */
export const ADDRESS_CLASSES = [
  'public',
  'private',
  'unique_local',
  'shared',
  'link_local',
  'loopback',
  'multicast',
  'unspecified',
] as const;

export type AddressClass = (typeof ADDRESS_CLASSES)[number];

const PUBLIC = ADDRESS_CLASSES.indexOf('public');
const PRIVATE = ADDRESS_CLASSES.indexOf('private');
const UNIQUE_LOCAL = ADDRESS_CLASSES.indexOf('unique_local');
const SHARED = ADDRESS_CLASSES.indexOf('shared');
const LINK_LOCAL = ADDRESS_CLASSES.indexOf('link_local');
const LOOPBACK = ADDRESS_CLASSES.indexOf('loopback');
const MULTICAST = ADDRESS_CLASSES.indexOf('multicast');
const UNSPECIFIED = ADDRESS_CLASSES.indexOf('unspecified');

/**
 * The place in {@link ADDRESS_CLASSES} of the class of the address at `offset`, by the special-purpose address
 * registries (RFC 6890): RFC 1918, RFC 6598, RFC 3927 and RFC 1122 for IPv4, where the limited broadcast counts as
 * multicast; RFC 4193 and RFC 4291 for IPv6.
 */
export function addressClass(bytes: Uint8Array, offset: number): number {
  return isMappedIpv4(bytes, offset) ? classOfIpv4(bytes, offset + 12) : classOfIpv6(bytes, offset);
}

function classOfIpv4(bytes: Uint8Array, at: number): number {
  const a = bytes[at] ?? 0;
  const b = bytes[at + 1] ?? 0;
  if (a === 10 || (a === 172 && (b & 0xf0) === 16) || (a === 192 && b === 168)) return PRIVATE;
  if (a === 100 && (b & 0xc0) === 64) return SHARED;
  if (a === 169 && b === 254) return LINK_LOCAL;
  if (a === 127) return LOOPBACK;
  if (a === 0) return UNSPECIFIED;
  const isBroadcast = a === 255 && b === 255 && bytes[at + 2] === 255 && bytes[at + 3] === 255;
  return isBroadcast || (a & 0xf0) === 0xe0 ? MULTICAST : PUBLIC;
}

function classOfIpv6(bytes: Uint8Array, at: number): number {
  const a = bytes[at] ?? 0;
  const b = bytes[at + 1] ?? 0;
  if (a === 0xff) return MULTICAST;
  if (a === 0xfe && (b & 0xc0) === 0x80) return LINK_LOCAL;
  if ((a & 0xfe) === 0xfc) return UNIQUE_LOCAL;
  for (let byte = 0; byte < 15; byte++) if (bytes[at + byte] !== 0) return PUBLIC;
  const last = bytes[at + 15] ?? 0;
  return last === 0 ? UNSPECIFIED : last === 1 ? LOOPBACK : PUBLIC;
}
