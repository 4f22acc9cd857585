import {
  type CapturedPacket,
  type CaptureFormat,
  damage,
  DIRECTION,
  MAX_PACKET_BYTES,
} from './captured-packet.js';
import type { PacketBuffer } from './packet-buffer.js';

/** Magic numbers by what follows from them. */
const MAGICS: ReadonlyMap<number, { readonly nanosPerUnit: number; readonly recordBytes: number }> = new Map([
  [0xa1b2c3d4, { nanosPerUnit: 1000, recordBytes: 16 }],
  [0xa1b23c4d, { nanosPerUnit: 1, recordBytes: 16 }],
  // A patched libpcap of the 1990s, whose records have interface and protocol as well.
  [0xa1b2cd34, { nanosPerUnit: 1000, recordBytes: 24 }],
]);

const FILE_HEADER_BYTES = 24;

export function isPcap(buffer: PacketBuffer): boolean {
  return [true, false].some((isLittle) => MAGICS.has(buffer.view.getUint32(buffer.at, isLittle)));
}

/** Files of tcpdump: draft-ietf-opsawg-pcap. */
export class PcapFormat implements CaptureFormat {
  #isLittle = true;
  #linkType: number | undefined;
  #nanosPerUnit = 1000;
  #recordBytes = 16;

  constructor(private readonly buffer: PacketBuffer) {}

  next(packet: CapturedPacket): boolean {
    const { buffer } = this;
    this.#linkType ??= this.#readHeader();
    if (this.#linkType === undefined || buffer.available < this.#recordBytes) return false;
    const { view, at } = buffer;
    const isLittle = this.#isLittle;
    const captured = view.getUint32(at + 8, isLittle);
    if (captured > MAX_PACKET_BYTES) throw damage(buffer, `a packet of ${captured} bytes`);
    if (buffer.available < this.#recordBytes + captured) return false;
    packet.seconds = view.getUint32(at, isLittle);
    packet.nanos = view.getUint32(at + 4, isLittle) * this.#nanosPerUnit;
    packet.offset = at + this.#recordBytes;
    packet.captured = captured;
    packet.length = view.getUint32(at + 12, isLittle);
    packet.linkType = this.#linkType;
    packet.interfaceNumber = 0;
    packet.mayRepeat = false;
    packet.direction = DIRECTION.unknown;
    buffer.at = packet.offset + captured;
    return true;
  }

  #readHeader(): number | undefined {
    const { view, at, available } = this.buffer;
    if (available < FILE_HEADER_BYTES) return undefined;
    this.#isLittle = MAGICS.has(view.getUint32(at, true));
    const magic = MAGICS.get(view.getUint32(at, this.#isLittle));
    if (!magic) throw damage(this.buffer, 'not a pcap file');
    this.#nanosPerUnit = magic.nanosPerUnit;
    this.#recordBytes = magic.recordBytes;
    // The upper bits tell the length of a frame check sequence.
    const linkType = view.getUint32(at + 20, this.#isLittle) & 0xffff;
    this.buffer.at += FILE_HEADER_BYTES;
    return linkType;
  }
}
