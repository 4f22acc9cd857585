import {
  type CapturedPacket,
  type CaptureFormat,
  damage,
  type Direction,
  DIRECTION,
  MAX_PACKET_BYTES,
} from './captured-packet.js';
import type { PacketBuffer } from './packet-buffer.js';
import { type InterfaceClock, interfaceClock, setTime } from './pcapng-time.js';

/** Block types; all others are skipped: names, statistics, secrets, journals, custom ones. */
const BLOCK = { section: 0x0a0d0d0a, interface: 1, packet: 2, simplePacket: 3, enhancedPacket: 6 } as const;

/** Options. */
const END_OF_OPTIONS = 0;
const PACKET_FLAGS = 2;

/** Blocks with packets that are longer are damage: packets have some bytes of options. */
const MAX_BLOCK_BYTES = 2 * MAX_PACKET_BYTES;

interface CapturedInterface {
  readonly linkType: number;
  /** 0 is no limit. */
  readonly snapLength: number;
  readonly clock: InterfaceClock;
}

export function isPcapng(buffer: PacketBuffer): boolean {
  return buffer.view.getUint32(buffer.at) === BLOCK.section;
}

/** Files of Wireshark: draft-ietf-opsawg-pcapng. */
export class PcapngFormat implements CaptureFormat {
  #isLittle = true;
  #interfaces: CapturedInterface[] = [];
  /** Interfaces of the sections before. */
  #earlierInterfaces = 0;

  constructor(private readonly buffer: PacketBuffer) {}

  next(packet: CapturedPacket): boolean {
    const { buffer } = this;
    for (;;) {
      if (buffer.isSkipping || buffer.available < 12) return false;
      const { view, at } = buffer;
      const isSection = view.getUint32(at) === BLOCK.section;
      if (isSection) this.#isLittle = this.#byteOrder();
      const type = view.getUint32(at, this.#isLittle);
      const length = view.getUint32(at + 4, this.#isLittle);
      if (length < 12 || length % 4 !== 0) throw damage(buffer, `a block of ${length} bytes`);
      if (!isSection && type !== BLOCK.interface && !isPacketBlock(type)) {
        buffer.skip(length);
        continue;
      }
      if (length > MAX_BLOCK_BYTES) throw damage(buffer, `a block of ${length} bytes`);
      if (buffer.available < length) return false;
      if (view.getUint32(at + length - 4, this.#isLittle) !== length)
        throw damage(buffer, 'a block whose two lengths differ');
      const isPacket = this.#readBlock(type, at + 8, at + length - 4, packet);
      buffer.at = at + length;
      if (isPacket) return true;
    }
  }

  /** Returns true if the block was a packet. `from` and `to` enclose its body. */
  #readBlock(type: number, from: number, to: number, packet: CapturedPacket): boolean {
    switch (type) {
      case BLOCK.section:
        this.#earlierInterfaces += this.#interfaces.length;
        this.#interfaces = [];
        return false;
      case BLOCK.interface:
        this.#addInterface(from, to);
        return false;
      case BLOCK.simplePacket:
        this.#readSimplePacket(from, to, packet);
        return true;
      default:
        this.#readPacket(type === BLOCK.packet, from, to, packet);
        return true;
    }
  }

  /** The byte order of a section is known only from its own magic. */
  #byteOrder(): boolean {
    const magic = this.buffer.view.getUint32(this.buffer.at + 8, true);
    if (magic !== 0x1a2b3c4d && magic !== 0x4d3c2b1a)
      throw damage(this.buffer, 'a section without byte order');
    return magic === 0x1a2b3c4d;
  }

  #addInterface(from: number, to: number): void {
    const { view } = this.buffer;
    if (to - from < 8) throw damage(this.buffer, 'an interface block that is too short');
    this.#interfaces.push({
      linkType: view.getUint16(from, this.#isLittle),
      snapLength: view.getUint32(from + 4, this.#isLittle),
      clock: interfaceClock(view, from + 8, to, this.#isLittle),
    });
  }

  #readSimplePacket(from: number, to: number, packet: CapturedPacket): void {
    if (to - from < 4) throw damage(this.buffer, 'a packet block that is too short');
    const { linkType, snapLength } = this.#interface(0);
    packet.length = this.buffer.view.getUint32(from, this.#isLittle);
    packet.captured = Math.min(packet.length, snapLength === 0 ? Infinity : snapLength, to - from - 4);
    packet.offset = from + 4;
    packet.linkType = linkType;
    packet.direction = DIRECTION.unknown;
    packet.seconds = NaN;
    this.#setInterface(packet, 0);
  }

  /** An enhanced packet block, or its predecessor with a shorter interface number. */
  #readPacket(isObsolete: boolean, from: number, to: number, packet: CapturedPacket): void {
    const { view } = this.buffer;
    const isLittle = this.#isLittle;
    if (to - from < 20) throw damage(this.buffer, 'a packet block that is too short');
    const id = isObsolete ? view.getUint16(from, isLittle) : view.getUint32(from, isLittle);
    const { linkType, clock } = this.#interface(id);
    const captured = view.getUint32(from + 12, isLittle);
    if (captured > MAX_PACKET_BYTES || 20 + captured > to - from)
      throw damage(this.buffer, 'a packet that is longer than its block');
    packet.offset = from + 20;
    packet.captured = captured;
    packet.length = view.getUint32(from + 16, isLittle);
    packet.linkType = linkType;
    packet.direction = this.#direction(packet.offset + Math.ceil(captured / 4) * 4, to);
    setTime(packet, clock, view.getUint32(from + 4, isLittle), view.getUint32(from + 8, isLittle));
    this.#setInterface(packet, id);
  }

  #interface(id: number): CapturedInterface {
    const found = this.#interfaces[id];
    if (!found) throw damage(this.buffer, `a packet of interface ${id}, which no block describes`);
    return found;
  }

  #setInterface(packet: CapturedPacket, id: number): void {
    packet.interfaceNumber = this.#earlierInterfaces + id;
    packet.mayRepeat = this.#interfaces.length > 1;
  }

  /** From the flags among a packet's options. */
  #direction(from: number, to: number): Direction {
    const { view } = this.buffer;
    for (let at = from; at + 8 <= to;) {
      const code = view.getUint16(at, this.#isLittle);
      if (code === END_OF_OPTIONS) break;
      if (code === PACKET_FLAGS) {
        const direction = view.getUint32(at + 4, this.#isLittle) & 3;
        return direction === 1 ? DIRECTION.in : direction === 2 ? DIRECTION.out : DIRECTION.unknown;
      }
      at += 4 + Math.ceil(view.getUint16(at + 2, this.#isLittle) / 4) * 4;
    }
    return DIRECTION.unknown;
  }
}

function isPacketBlock(type: number): boolean {
  return type === BLOCK.enhancedPacket || type === BLOCK.packet || type === BLOCK.simplePacket;
}
