/** An IP packet as counting needs it: the same reading of it as the probe's (bpf-probe/bpf/packet.h). */
export interface IpPacket {
  /** 16 bytes each, IPv4 mapped. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly protocol: number;
  /** 0 for protocols without ports. */
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly tcpFlags: number;
  readonly icmpType: number;
  readonly icmpCode: number;
  /** Bytes from the IP header on. */
  readonly bytes: number;
  /**
   * Keeps apart what shares addresses and ports but is no part of one connection: later fragments, whose ports
   * are unknown, and ICMP messages other than echo, by type and code.
   */
  readonly bucket: string;
}

export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, dccp: 33, icmpv6: 58, sctp: 132, udpLite: 136 };

const WITH_PORTS = new Set([PROTOCOL.tcp, PROTOCOL.udp, PROTOCOL.dccp, PROTOCOL.sctp, PROTOCOL.udpLite]);
const MAPPED_IPV4 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** Reads the packet whose IP header begins at `offset`; undefined if it is malformed or cut before its ports. */
export function readIpPacket(frame: Buffer, offset: number, wireBytes: number): IpPacket | undefined {
  const ip = frame.subarray(offset);
  const version = (ip[0] ?? 0) >> 4;
  if (version === 4) return readIpv4(ip, wireBytes - offset);
  if (version === 6) return readIpv6(ip, wireBytes - offset);
  return undefined;
}

function readIpv4(ip: Buffer, present: number): IpPacket | undefined {
  const headerBytes = ((ip[0] ?? 0) & 15) * 4;
  if (headerBytes < 20 || ip.length < headerBytes) return undefined;
  const source = Uint8Array.of(...MAPPED_IPV4, ...ip.subarray(12, 16));
  const destination = Uint8Array.of(...MAPPED_IPV4, ...ip.subarray(16, 20));
  // A length of 0 is a packet that segmentation offload has yet to cut; a short frame may be padded.
  const told = ip.readUInt16BE(2);
  const bytes = told === 0 ? present : Math.min(told, present);
  const isLaterFragment = (ip.readUInt16BE(6) & 0x1fff) !== 0;
  return readTransport(ip, headerBytes, ip.readUInt8(9), isLaterFragment, { source, destination, bytes });
}

const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;

function readIpv6(ip: Buffer, present: number): IpPacket | undefined {
  if (ip.length < 40) return undefined;
  const source = Uint8Array.from(ip.subarray(8, 24));
  const destination = Uint8Array.from(ip.subarray(24, 40));
  const told = ip.readUInt16BE(4);
  const bytes = told === 0 ? present : Math.min(told + 40, present);
  let next = ip.readUInt8(6);
  let at = 40;
  let isLaterFragment = false;
  // RFC 8200 §4: extension headers, each naming the next.
  while (
    [HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS].includes(next) &&
    !isLaterFragment
  ) {
    if (at + 4 > ip.length) return undefined;
    const length = ip.readUInt8(at + 1);
    if (next === FRAGMENT) isLaterFragment = (ip.readUInt16BE(at + 2) & 0xfff8) !== 0;
    const headerBytes = next === FRAGMENT ? 8 : next === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
    next = ip.readUInt8(at);
    at += headerBytes;
  }
  return readTransport(ip, at, next, isLaterFragment, { source, destination, bytes });
}

type NetworkPart = Pick<IpPacket, 'source' | 'destination' | 'bytes'>;

function readTransport(
  ip: Buffer,
  at: number,
  protocol: number,
  isLaterFragment: boolean,
  network: NetworkPart,
): IpPacket | undefined {
  const nothing = { sourcePort: 0, destinationPort: 0, tcpFlags: 0, icmpType: 0, icmpCode: 0, bucket: '' };
  const packet = { ...network, protocol, ...nothing };
  if (isLaterFragment) return { ...packet, bucket: 'fragment' };
  if (protocol === PROTOCOL.icmp || protocol === PROTOCOL.icmpv6) {
    if (at + 2 > ip.length) return undefined;
    const icmpType = ip.readUInt8(at);
    const icmpCode = ip.readUInt8(at + 1);
    const isEcho =
      protocol === PROTOCOL.icmp ? icmpType === 0 || icmpType === 8 : icmpType === 128 || icmpType === 129;
    return { ...packet, icmpType, icmpCode, bucket: isEcho ? '' : `icmp ${icmpType} ${icmpCode}` };
  }
  if (!WITH_PORTS.has(protocol)) return packet;
  if (at + (protocol === PROTOCOL.tcp ? 14 : 4) > ip.length) return undefined;
  return {
    ...packet,
    sourcePort: ip.readUInt16BE(at),
    destinationPort: ip.readUInt16BE(at + 2),
    tcpFlags: protocol === PROTOCOL.tcp ? ip.readUInt8(at + 13) : 0,
  };
}
