import { isMappedIpv4, parseAddress } from '@sonde/model/net/address';
import { LINK_TYPES } from '@sonde/collector/pcap/link-layer';

/** IP protocol numbers (IANA). */
const PROTOCOL = { icmp: 1, tcp: 6, udp: 17, dccp: 33, icmpv6: 58, sctp: 132, udpLite: 136 };

/** A packet to build; omitted fields are zero or empty. */

export interface PacketSpec {
  readonly from: string;
  readonly to: string;
  readonly protocol?: keyof typeof PROTOCOL;
  readonly fromPort?: number;
  readonly toPort?: number;
  /** TCP flags by their initials: S, A, F, R, P. */
  readonly flags?: string;
  /** TTL or hop limit. */
  readonly ttl?: number;
  /** TCP sequence number. */
  readonly sequence?: number;
  readonly icmp?: readonly [type: number, code: number];
  readonly payloadBytes?: number;
  /** Marks a later fragment, which has no transport header. */
  readonly fragmentOffset?: number;
}

const FLAG_BITS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16 };

/** Builds an IPv4 or IPv6 packet, by the family of its addresses. */
export function ipPacket(packet: PacketSpec): Buffer {
  const source = Buffer.from(parseAddress(packet.from));
  const destination = Buffer.from(parseAddress(packet.to));
  const protocol = PROTOCOL[packet.protocol ?? 'tcp'];
  const body = Buffer.concat([
    packet.fragmentOffset === undefined ? transportHeader(packet, protocol) : Buffer.alloc(0),
    Buffer.alloc(packet.payloadBytes ?? 0),
  ]);
  if (isMappedIpv4(source)) {
    const header = Buffer.alloc(20);
    header[0] = 0x45;
    header.writeUInt16BE(20 + body.length, 2);
    header.writeUInt16BE((packet.fragmentOffset ?? 0) / 8, 6);
    header[8] = packet.ttl ?? 64;
    header[9] = protocol;
    return Buffer.concat([header.subarray(0, 12), source.subarray(12), destination.subarray(12), body]);
  }
  const header = Buffer.alloc(8);
  header[0] = 0x60;
  header[7] = packet.ttl ?? 64;
  if (packet.fragmentOffset === undefined) {
    header.writeUInt16BE(body.length, 4);
    header[6] = protocol;
    return Buffer.concat([header, source, destination, body]);
  }
  const fragment = Buffer.from([protocol, 0, 0, 0, 0, 0, 0, 0]);
  fragment.writeUInt16BE(packet.fragmentOffset, 2);
  header.writeUInt16BE(body.length + 8, 4);
  header[6] = 44;
  return Buffer.concat([header, source, destination, fragment, body]);
}

function transportHeader(
  { fromPort = 0, toPort = 0, flags = '', sequence = 0, icmp }: PacketSpec,
  protocol: number,
): Buffer {
  if (icmp) return Buffer.from([...icmp, 0, 0, 0, 1, 0, 1]);
  const header = Buffer.alloc(protocol === PROTOCOL.tcp ? 20 : 8);
  header.writeUInt16BE(fromPort, 0);
  header.writeUInt16BE(toPort, 2);
  if (protocol === PROTOCOL.tcp) {
    header.writeUInt32BE(sequence, 4);
    header[12] = 0x50;
    header[13] = Array.from(flags).reduce((bits, flag) => bits | (FLAG_BITS[flag] ?? 0), 0);
  }
  return header;
}

/** Wraps an IP packet in an Ethernet frame, with optional VLAN tags. */
export function ethernetFrame(ip: Buffer, ...vlans: number[]): Buffer {
  const tags = vlans.map((vlan) => Buffer.from([0x81, 0, vlan >> 8, vlan & 255]));
  return Buffer.concat([Buffer.alloc(12), ...tags, etherType(ip), ip]);
}

/** Wraps an IP packet in a Linux cooked capture header, version 2 (LINUX_SLL2). */
export function cookedFrame(ip: Buffer, interfaceIndex: number, direction: 'in' | 'out'): Buffer {
  const header = Buffer.alloc(18);
  header.writeUInt32BE(interfaceIndex, 2);
  header[8] = direction === 'out' ? 4 : 0;
  return Buffer.concat([etherType(ip), header, ip]);
}

function etherType(ip: Buffer): Buffer {
  return Buffer.from((ip[0] ?? 0) >> 4 === 4 ? [8, 0] : [0x86, 0xdd]);
}

export interface FrameSpec {
  readonly timeMicros: number;
  readonly frame: Buffer;
  /** Captured bytes; the whole frame by default. */
  readonly snapLength?: number;
  /** In pcapng only: which way the packet went. */
  readonly direction?: 'in' | 'out';
}

/** A pcap file with microsecond timestamps. */
export function pcapFile(
  frames: readonly FrameSpec[],
  linkType: number = LINK_TYPES.ethernet,
  isLittle = true,
): Buffer {
  const header = Buffer.alloc(24);
  const write = integerWriter(isLittle);
  write(header, 0xa1b2c3d4, 0);
  write(header, 65535, 16);
  write(header, linkType, 20);
  const records = frames.map(({ timeMicros, frame, snapLength = frame.length }) => {
    const record = Buffer.alloc(16);
    write(record, Math.floor(timeMicros / 1e6), 0);
    write(record, timeMicros % 1e6, 4);
    write(record, Math.min(snapLength, frame.length), 8);
    write(record, frame.length, 12);
    return Buffer.concat([record, frame.subarray(0, snapLength)]);
  });
  return Buffer.concat([header, ...records]);
}

/** A pcapng file with one interface and nanosecond timestamps. */
export function pcapngFile(frames: readonly FrameSpec[], linkType: number = LINK_TYPES.ethernet): Buffer {
  const section = pcapngBlock(
    0x0a0d0d0a,
    Buffer.from([0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, ...Array<number>(8).fill(255)]),
  );
  const description = pcapngBlock(
    1,
    Buffer.from([linkType & 255, linkType >> 8, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 9, 0, 0, 0]),
  );
  const packets = frames.map(({ timeMicros, frame, direction }) => {
    const nanos = BigInt(timeMicros) * 1000n;
    const head = Buffer.alloc(20);
    head.writeUInt32LE(Number(nanos >> 32n), 4);
    head.writeUInt32LE(Number(nanos & 0xffffffffn), 8);
    head.writeUInt32LE(frame.length, 12);
    head.writeUInt32LE(frame.length, 16);
    const flags = direction ? [2, 0, 4, 0, direction === 'in' ? 1 : 2, 0, 0, 0, 0, 0, 0, 0] : [];
    const padding = Buffer.alloc((4 - (frame.length % 4)) % 4);
    return pcapngBlock(6, Buffer.concat([head, frame, padding, Buffer.from(flags)]));
  });
  return Buffer.concat([section, description, ...packets]);
}

/** A block of a little-endian pcapng section; the body's length is a multiple of four. */
export function pcapngBlock(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32LE(type, 0);
  head.writeUInt32LE(body.length + 12, 4);
  return Buffer.concat([head, body, head.subarray(4)]);
}

/** The packets of a little-endian pcap file with times in microseconds. */
export function readPcapFile(file: Buffer): FrameSpec[] {
  const frames: FrameSpec[] = [];
  for (let at = 24; at < file.length; at += 16 + file.readUInt32LE(at + 8)) {
    const timeMicros = file.readUInt32LE(at) * 1e6 + file.readUInt32LE(at + 4);
    frames.push({ timeMicros, frame: file.subarray(at + 16, at + 16 + file.readUInt32LE(at + 8)) });
  }
  return frames;
}

function integerWriter(isLittle: boolean): (into: Buffer, value: number, at: number) => void {
  return isLittle
    ? (into, value, at) => into.writeUInt32LE(value, at)
    : (into, value, at) => into.writeUInt32BE(value, at);
}
