/** Bytes followed by zeros. */
export function bytes(values: readonly number[], zeros = 0): Buffer {
  return Buffer.concat([Buffer.from(values), Buffer.alloc(zeros)]);
}

/** An Ethernet frame to an unused MAC address: only programs attached to the interface see it. */
export function ethernet(etherType: number, ...payload: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.alloc(12, 2), bytes([etherType >> 8, etherType & 255]), ...payload]);
}

/** An IPv4 packet (RFC 791), without its checksum. */
export function ipv4(
  protocol: number,
  source: readonly number[],
  destination: readonly number[],
  payload: Buffer,
  options: Buffer = Buffer.alloc(0),
): Buffer {
  const header = bytes([
    0x45 + options.length / 4,
    0,
    0,
    0,
    0,
    1,
    0,
    0,
    64,
    protocol,
    0,
    0,
    ...source,
    ...destination,
  ]);
  header.writeUInt16BE(header.length + options.length + payload.length, 2);
  return Buffer.concat([header, options, payload]);
}

/** An IPv6 packet (RFC 8200) from fd90::1 to fd90::2. */
export function ipv6(next: number, ...payload: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(Buffer.concat(payload).length, 4);
  header.writeUInt8(next, 6);
  header.writeUInt8(64, 7);
  for (const [at, last] of [
    [8, 1],
    [24, 2],
  ] as const) {
    header.writeUInt16BE(0xfd90, at);
    header.writeUInt8(last, at + 15);
  }
  return Buffer.concat([header, ...payload]);
}

/** A TCP segment (RFC 9293 section 3.1), without its checksum. */
export function tcp(
  sourcePort: number,
  destinationPort: number,
  flags: number,
  sequence: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt32BE(sequence, 4);
  header.writeUInt8(5 << 4, 12);
  header.writeUInt8(flags, 13);
  return Buffer.concat([header, payload]);
}

/** A UDP datagram (RFC 768), without its checksum. */
export function udp(sourcePort: number, destinationPort: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(sourcePort, 0);
  header.writeUInt16BE(destinationPort, 2);
  header.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([header, payload]);
}

/** An ICMP error (RFC 792) that quotes the beginning of an IPv4 packet. */
export function icmpError(type: number, code: number, packet: Buffer): Buffer {
  return Buffer.concat([bytes([type, code], 6), packet.subarray(0, 28)]);
}

/** A frame with the padding that network cards add to short ones (IEEE 802.3 clause 4: 64 bytes with checksum). */
export function padded(frame: Buffer): Buffer {
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length), 0xff)]);
}
