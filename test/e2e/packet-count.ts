import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { inNamespace } from '@sonde/deploy/lab/command/namespace';
import { parseAddress, formatAddress } from '@sonde/model/net/address';

/** Packets and bytes (from the IP header on) in one direction of a five-tuple. */
export interface DirectionCount {
  readonly packets: number;
  readonly bytes: number;
}

/** Records what passes an interface with tcpdump until `stop`. */
export class PacketRecorder {
  #said = '';

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
    const snapshot = ['-s', '256', '-B', '65536', '--immediate-mode', '-Z', 'root'];
    const options = ['-i', interfaceName, ...snapshot, '-w', file, ...more];
    const [command, ...commandArguments] = inNamespace(networkNamespace, ['tcpdump', ...options]);
    const tcpdump = spawn(command, commandArguments, { stdio: ['ignore', 'ignore', 'pipe'] });
    const recorder = new PacketRecorder(tcpdump, once(tcpdump, 'close'), file);
    tcpdump.stderr.setEncoding('utf8').on('data', (text: string) => (recorder.#said += text));
    while (!recorder.#said.includes('listening on')) {
      await Promise.race([once(tcpdump.stderr, 'data'), recorder.ended]);
      if (tcpdump.exitCode !== null) throw new Error(`tcpdump did not start: ${recorder.#said}`);
    }
    return recorder;
  }

  /** @throws Error when tcpdump was too slow and missed packets, so that its count is none. */
  async stop(): Promise<void> {
    this.tcpdump.kill('SIGINT');
    await this.ended;
    if (!this.#said.includes('\n0 packets dropped by kernel')) {
      throw new Error(`tcpdump missed packets: ${this.#said}`);
    }
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

/**
 * How many TCP connections were opened to a port, by tcpdump's reading of a recording: a SYN that was sent again has
 * the same sequence number.
 */
export async function countOpenings(file: string, port: number): Promise<number> {
  const opening = `tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn and dst port ${port}`;
  const { stdout } = await promisify(execFile)('tcpdump', ['-nn', '-t', '-S', '-r', file, opening], {
    maxBuffer: 1 << 28,
  });
  return new Set(stdout.match(/^IP6? .* seq \d+/gm)).size;
}

const IPV4 =
  /^IP \(.*offset (\d+),.*proto ([\w-]+) \(\d+\), length (\d+)(?:, options \(.*?\))?\)\s+(\S+) > (\S+): /;
const IPV6 = /^IP6 \((.*)next-header ([\w-]+) \(\d+\) payload length: (\d+)\) (\S+) > (\S+): /;

function readPacket(line: string): { key: string; bytes: number } | undefined {
  const ipv4 = IPV4.exec(line);
  const [, offset, protocol = '', length = '', source = '', destination = ''] = ipv4 ?? IPV6.exec(line) ?? [];
  if (protocol === '') return undefined;
  // Only the first fragment of an IPv4 packet has the ports.
  const withPorts = (protocol === 'TCP' || protocol === 'UDP') && !(ipv4 && offset !== '0');
  const end = (text: string) => {
    const dot = withPorts ? text.lastIndexOf('.') : text.length;
    return `${formatAddress(parseAddress(text.slice(0, dot)))} ${withPorts ? text.slice(dot + 1) : '0'}`;
  };
  // tcpdump tells the whole length for IPv4, and for IPv6 what follows its header of 40 bytes.
  const bytes = Number(length) + (ipv4 ? 0 : 40);
  return { key: `${protocol} ${end(source)} > ${end(destination)}`, bytes };
}
