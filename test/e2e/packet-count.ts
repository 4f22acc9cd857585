import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { inNamespace } from '@sonde/deploy/lab/command/namespace';
import { parseAddress, formatAddress } from '@sonde/model/cluster/address';

/** Packets and bytes (from the IP header on) in one direction of a five-tuple. */
export interface DirectionCount {
  readonly packets: number;
  readonly bytes: number;
}

/** Records what passes an interface with tcpdump until `stop`. */
export class PacketRecorder {
  private constructor(
    private readonly tcpdump: ChildProcess,
    private readonly ended: Promise<unknown>,
    readonly file: string,
  ) {}

  /** Resolves when tcpdump listens, so that no later packet is missed. `more` are further arguments of tcpdump. */
  static async start(
    networkNamespace: string,
    interfaceName: string,
    file: string,
    ...more: string[]
  ): Promise<PacketRecorder> {
    const options = ['-i', interfaceName, '-s', '256', '--immediate-mode', '-U', '-w', file, ...more];
    const [command, ...commandArguments] = inNamespace(networkNamespace, ['tcpdump', ...options]);
    const tcpdump = spawn(command, commandArguments, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    tcpdump.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    const ended = once(tcpdump, 'close');
    while (!said.includes('listening on')) {
      await Promise.race([once(tcpdump.stderr, 'data'), ended]);
      if (tcpdump.exitCode !== null) throw new Error(`tcpdump did not start: ${said}`);
    }
    return new PacketRecorder(tcpdump, ended, file);
  }

  async stop(): Promise<void> {
    this.tcpdump.kill('SIGINT');
    await this.ended;
  }
}

/**
 * Counts a recording by tcpdump's own reading of it, independently of Sonde's: by direction, under keys
 * `<protocol> <source> <port> > <destination> <port>` (ports 0 where the protocol has none).
 */
export async function countByTcpdump(file: string): Promise<Map<string, DirectionCount>> {
  const { stdout } = await promisify(execFile)('tcpdump', ['-nn', '-v', '-t', '-r', file], {
    maxBuffer: 1 << 28,
  });
  const counts = new Map<string, DirectionCount>();
  // A packet is a line for the network layer and an indented one for the transport (IPv6 has both in one).
  for (const packet of stdout.replaceAll(/\n\s+(?=\S+ > )/g, ' ').split('\n')) {
    const counted = readPacket(packet);
    if (!counted) continue;
    const { packets, bytes } = counts.get(counted.key) ?? { packets: 0, bytes: 0 };
    counts.set(counted.key, { packets: packets + 1, bytes: bytes + counted.bytes });
  }
  return counts;
}

const IPV4 = /^IP \(.*proto (\w+) \(\d+\), length (\d+)(?:, options \(.*?\))?\)\s+(\S+) > (\S+): /;
const IPV6 = /^IP6 \(.*next-header (\w+) \(\d+\) payload length: (\d+)\) (\S+) > (\S+): /;

function readPacket(line: string): { key: string; bytes: number } | undefined {
  const ipv4 = IPV4.exec(line);
  const [, protocol = '', length = '', source = '', destination = ''] = ipv4 ?? IPV6.exec(line) ?? [];
  if (protocol === '') return undefined;
  const withPorts = protocol === 'TCP' || protocol === 'UDP';
  const end = (text: string) => {
    const dot = withPorts ? text.lastIndexOf('.') : text.length;
    return `${formatAddress(parseAddress(text.slice(0, dot)))} ${withPorts ? text.slice(dot + 1) : '0'}`;
  };
  // tcpdump tells the whole length for IPv4, and for IPv6 what follows its header of 40 bytes.
  const bytes = Number(length) + (ipv4 ? 0 : 40);
  return { key: `${protocol} ${end(source)} > ${end(destination)}`, bytes };
}
