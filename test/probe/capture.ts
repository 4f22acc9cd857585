import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readCapture } from '@sonde/collector/pcap/capture-file';
import { readIpPacket } from '@sonde/collector/pcap/ip-packet';
import { linkLayer } from '@sonde/collector/pcap/link-layer';
import { inNamespace } from '@sonde/deploy/lab/command/namespace';
import { formatAddress } from '@sonde/model/cluster/address';

/** Bytes (from the IP header on) and packets by "SOURCE > DESTINATION"; ends are written as in `ReportedFlow`. */
export type Counts = Map<string, { bytes: number; packets: number }>;

/** Lets tcpdump capture on an interface: the count that the probe's is compared with. */
export async function capture(netns: string, interfaceName: string): Promise<{ stop(): Promise<Counts> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sonde-probe-test-'));
  const file = path.join(folder, 'packets.pcap');
  const options = [
    '-i',
    interfaceName,
    '-s',
    '128',
    '-B',
    '65536',
    '-Z',
    'root',
    '--immediate-mode',
    '-w',
    file,
  ];
  const [program, ...args] = inNamespace(netns, ['tcpdump', ...options]);
  const tcpdump = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(tcpdump, 'close');
  let said = '';
  tcpdump.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  while (!said.includes('listening on')) await Promise.race([once(tcpdump.stderr, 'data'), ended]);
  return {
    async stop() {
      tcpdump.kill('SIGINT');
      await ended;
      if (!said.includes('\n0 packets dropped by kernel')) throw new Error(`tcpdump missed packets: ${said}`);
      try {
        return await countPackets(file);
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  };
}

async function countPackets(file: string): Promise<Counts> {
  const counts: Counts = new Map();
  for await (const { linkType, bytes, wireBytes } of readCapture(file)) {
    const link = linkLayer(linkType, bytes);
    const packet = link && readIpPacket(bytes, link.ipOffset, wireBytes);
    if (!packet) continue;
    const source = endText(packet.source, packet.sourcePort);
    const destination = endText(packet.destination, packet.destinationPort);
    const key = `${source} > ${destination}`;
    const count = counts.get(key) ?? { bytes: 0, packets: 0 };
    count.bytes += packet.bytes;
    count.packets += 1;
    counts.set(key, count);
  }
  return counts;
}

function endText(address: Uint8Array, port: number): string {
  return formatAddress(address) + (port === 0 ? '' : ` ${port}`);
}
