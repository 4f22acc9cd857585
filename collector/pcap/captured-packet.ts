import { CaptureFileError } from './capture-error.js';
import type { PacketBuffer } from './packet-buffer.js';

/** No snap length reaches this many bytes (libpcap's own limit); longer packets are damage. */
export const MAX_PACKET_BYTES = 262_144;

/** Where the capturing host got a packet from, in the numbers of bpf-probe/replay/programs.h. */
export const DIRECTION = { unknown: 0, in: 1, out: 2 } as const;
export type Direction = (typeof DIRECTION)[keyof typeof DIRECTION];

/** A packet as it lies in a buffer. Filled again for each packet, because millions of them are read. */
export interface CapturedPacket {
  /** Where its bytes begin in the buffer. */
  offset: number;
  /** How many bytes were kept. */
  captured: number;
  /** How many bytes it had. */
  length: number;
  /** LINKTYPE of the interface (tcpdump.org/linktypes). */
  linkType: number;
  interfaceNumber: number;
  /** Whether several interfaces were captured, so that one packet may be there several times. */
  mayRepeat: boolean;
  direction: Direction;
  /** Time since 1970; NaN if the file does not say it. May be any number if the file is damaged. */
  seconds: number;
  nanos: number;
}

export function emptyPacket(): CapturedPacket {
  return {
    ...{ offset: 0, captured: 0, length: 0, linkType: 0, interfaceNumber: 0, mayRepeat: false },
    ...{ direction: DIRECTION.unknown, seconds: NaN, nanos: 0 },
  };
}

/** Finds the packets in the bytes of a capture file. */
export interface CaptureFormat {
  /**
   * Fills in the next packet. Returns false if more bytes are needed.
   * @throws CaptureFileError if the file is damaged; the packets before were good
   */
  next(packet: CapturedPacket): boolean;
}

/** An error at the first unread byte. */
export function damage(buffer: PacketBuffer, reason: string): CaptureFileError {
  return new CaptureFileError(`byte ${buffer.position}: ${reason}`);
}
