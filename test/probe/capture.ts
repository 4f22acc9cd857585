import { readFileSync } from 'node:fs';
import path from 'node:path';
import { countByTcpdump, countOpenings, type DirectionCount, PacketRecorder } from '../e2e/packet-count.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** Packets that tcpdump counted on an interface, as the reference for the probe's counts. */
export interface Captured {
  /** By "TCP SOURCE PORT > DESTINATION PORT" (`countByTcpdump`). */
  readonly counts: ReadonlyMap<string, DirectionCount>;
  /** Number of TCP connections opened to the port `openingsTo`. */
  readonly openings: number;
}

/** Records the packets of an interface with tcpdump; `stop` returns their counts. */
export async function capture(
  netns: string,
  interfaceName: string,
  { openingsTo = 0 } = {},
): Promise<{ stop(): Promise<Captured> }> {
  const folder = temporaryDirectory('probe-test');
  const recorder = await PacketRecorder.start(netns, interfaceName, path.join(folder, 'packets.pcap'));
  return {
    async stop() {
      await recorder.stop();
      return {
        counts: await countByTcpdump(recorder.file),
        openings: await countOpenings(recorder.file, openingsTo),
      };
    },
  };
}

/** Total packets and bytes of the directions that `picks` selects by key. */
export function totalOf(counts: Captured['counts'], picks: (key: string) => boolean): DirectionCount {
  let packets = 0;
  let bytes = 0;
  for (const [key, count] of counts) {
    if (!picks(key)) continue;
    packets += count.packets;
    bytes += count.bytes;
  }
  return { packets, bytes };
}

/** Frames of a pcap file in `test/captures/cases/`: little-endian, with 24 bytes of header and 16 bytes before each frame. */
export function framesOf(file: string): Buffer[] {
  const capture = readFileSync(path.join(import.meta.dirname, '../captures/cases', file));
  const frames: Buffer[] = [];
  for (let at = 24; at < capture.length;) {
    const length = capture.readUInt32LE(at + 8);
    frames.push(capture.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return frames;
}
