import { type CaptureFormat, damage } from './captured-packet.js';
import type { PacketBuffer } from './packet-buffer.js';
import { isPcap, PcapFormat } from './pcap-format.js';
import { isPcapng, PcapngFormat } from './pcapng-format.js';

/** The longest beginning of a file that tells its format. */
const MAGIC_BYTES = 4;

/**
 * The format of a file, by its first bytes; undefined if there are too few.
 * @throws CaptureFileError if it is neither pcap nor pcapng
 */
export function captureFormat(buffer: PacketBuffer): CaptureFormat | undefined {
  if (buffer.available < MAGIC_BYTES) return undefined;
  if (isPcapng(buffer)) return new PcapngFormat(buffer);
  if (isPcap(buffer)) return new PcapFormat(buffer);
  throw damage(buffer, 'not a pcap or pcapng file');
}

/** Checks that the file does not end inside a packet. */
export function checkEnd(buffer: PacketBuffer, format: CaptureFormat | undefined): void {
  if (!format)
    throw damage(buffer, buffer.available === 0 ? 'the file is empty' : 'not a pcap or pcapng file');
  if (buffer.available > 0 || buffer.isSkipping)
    throw damage(buffer, 'the file is cut off inside a packet or block');
}
