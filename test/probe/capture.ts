import path from 'node:path';
import { countByTcpdump, countOpenings, type DirectionCount, PacketRecorder } from '../e2e/packet-count.js';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';

/** What tcpdump saw on an interface: the count that the probe's is compared with. */
export interface Captured {
  /** By "TCP SOURCE PORT > DESTINATION PORT", as `countByTcpdump` has it. */
  readonly counts: ReadonlyMap<string, DirectionCount>;
  /** How many TCP connections were opened to the port that the capture was asked about. */
  readonly openings: number;
}

/** Lets tcpdump record an interface until `stop`, which counts what it saw. */
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

/** The packets and bytes of every direction that a test picks, by key. */
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
