/** IP protocol numbers that policies name (IANA assigned internet protocol numbers). */
export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;
export const SCTP = 132;
const UDP_LITE = 136;

const NUMBERS: ReadonlyMap<string, number> = new Map([
  ['TCP', TCP],
  ['UDP', UDP],
  ['ICMP', ICMP],
  ['ICMPV6', ICMPV6],
  ['SCTP', SCTP],
  ['UDPLITE', UDP_LITE],
]);

/** The number of a protocol given by name (in any case), number or digits; undefined if there is none. */
export function protocolNumber(protocol: string | number): number | undefined {
  const number =
    typeof protocol === 'number'
      ? protocol
      : (NUMBERS.get(protocol.toUpperCase()) ?? (/^\d{1,3}$/.test(protocol) ? Number(protocol) : NaN));
  return Number.isInteger(number) && number >= 1 && number <= 255 ? number : undefined;
}

/** The usual name of a protocol, or its number as text. */
export function protocolName(protocol: number): string {
  if (protocol === ICMPV6) return 'ICMPv6';
  if (protocol === UDP_LITE) return 'UDPLite';
  for (const [name, number] of NUMBERS) if (number === protocol) return name;
  return String(protocol);
}

/** Whether packets of the protocol carry ports. */
export function hasPorts(protocol: number): boolean {
  return protocol === TCP || protocol === UDP || protocol === SCTP || protocol === UDP_LITE;
}

/** Whether the protocol is ICMP or ICMPv6, whose packets carry a type and a code. */
export function isIcmp(protocol: number): boolean {
  return protocol === ICMP || protocol === ICMPV6;
}
