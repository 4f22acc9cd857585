import ipaddr from 'ipaddr.js';

/**
 * Addresses are 16 bytes everywhere inside Sonde: IPv6, with IPv4 mapped into it (::ffff:a.b.c.d, RFC 4291
 * §2.5.5.2). Text exists only at the edges, and this file is that edge.
 */

/** The text is not an IP address. */
export class AddressError extends Error {
  override readonly name = 'AddressError';
  constructor(readonly text: string) {
    super(`"${text}" is not an IPv4 or IPv6 address`);
  }
}

/**
 * The 16 bytes of an address written as IPv4 or IPv6.
 * @throws AddressError if the text is neither.
 */
export function parseAddress(text: string): Uint8Array {
  // Told apart first, since the parsers refuse by throwing, which takes them tens of microseconds.
  const isIpv6 = text.includes(':');
  // Four-part form only: "10.1" or "0x0a000001" would name an address that the writer did not mean.
  if (!isIpv6 && ipaddr.IPv4.isValidFourPartDecimal(text))
    return Uint8Array.from(ipaddr.IPv4.parse(text).toIPv4MappedAddress().toByteArray());
  // Zones have no place in a flow, and ::a.b.c.d is a retired form (RFC 4291 §2.5.5.1) that readers disagree on.
  if (isIpv6 && !/%|^::\d+\./.test(text) && ipaddr.IPv6.isValid(text))
    return Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray());
  throw new AddressError(text);
}

/** The usual text of the 16 bytes at `offset`: dotted for mapped IPv4, else RFC 5952. */
export function formatAddress(bytes: Uint8Array, offset = 0): string {
  if (isMappedIpv4(bytes, offset)) return bytes.subarray(offset + 12, offset + 16).join('.');
  return new ipaddr.IPv6([...bytes.subarray(offset, offset + 16)]).toRFC5952String();
}

/** Whether the 16 bytes at `offset` are a mapped IPv4 address. */
export function isMappedIpv4(bytes: Uint8Array, offset = 0): boolean {
  for (let i = 0; i < 10; i++) if (bytes[offset + i] !== 0) return false;
  return bytes[offset + 10] === 0xff && bytes[offset + 11] === 0xff;
}
