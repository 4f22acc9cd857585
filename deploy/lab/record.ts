import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNamespace } from './command/namespace.js';
import { run, searchPath } from './command/run.js';
import type { Lab, LabNodeNetwork } from './lab.js';
import { requireLabPrograms } from './unavailable.js';

/** The recording of one node. */
export interface NodeRecording {
  node: string;
  /** A pcap file of link type LINUX_SLL2, which has each packet's interface index and direction. */
  file: string;
  packets: number;
  /** Packets that the kernel dropped before tcpdump; they are missing from the file. */
  dropped: number;
}

/** Bytes kept of each packet: all headers, and DNS messages and the beginning of requests as a rule. */
const snapLength = 128;

/**
 * Records the packets on the pods' interfaces of a lab for some seconds to `<node>.pcap` in a directory, which is
 * created if necessary. A packet between two pods of one node is recorded twice, on ingress and on egress.
 * @throws {LabUnavailable} when tcpdump is not installed
 */
export async function recordLab(
  lab: Lab,
  { seconds, directory }: { seconds: number; directory: string },
): Promise<NodeRecording[]> {
  requireLabPrograms(['ip', 'tcpdump']);
  await mkdir(directory, { recursive: true });
  const recorders = await Promise.all(
    lab.nodes.map((node) => startRecorder(node, path.join(directory, `${node.name}.pcap`))),
  );
  await sleep(seconds * 1_000);
  return Promise.all(recorders.map((recorder) => recorder.finish()));
}

async function startRecorder(
  node: LabNodeNetwork,
  file: string,
): Promise<{ finish(): Promise<NodeRecording> }> {
  const options = ['-i', 'any', '-y', 'LINUX_SLL2', '--immediate-mode', '-s', String(snapLength), '-w', '-'];
  const filter = await podInterfaceFilter(node);
  const [program, ...args] = inNamespace(node.netns, ['tcpdump', ...options, filter]);
  const child = spawn(program, args, { env: { ...process.env, PATH: searchPath } });
  const said: string[] = [];
  const messages = createInterface({ input: child.stderr });
  messages.on('line', (line) => said.push(line));
  const written = pipeline(child.stdout, createWriteStream(file));
  const ended = exitCode(child);
  await new Promise<void>((resolve, reject) => {
    messages.on('line', (line) => {
      if (line.includes('listening on')) resolve();
    });
    ended.then(() => reject(new Error(`tcpdump on ${node.name} ended: ${said.join(' ')}`)), reject);
  });
  return {
    finish: async () => {
      child.kill('SIGINT');
      const code = await ended;
      await written;
      if (code !== 0) throw new Error(`tcpdump on ${node.name} ended with ${code}: ${said.join(' ')}`);
      return {
        node: node.name,
        file,
        packets: countIn(said, /^(\d+) packets? captured/),
        dropped: countIn(said, /^(\d+) packets? dropped by kernel/),
      };
    },
  };
}

/** A filter that lets pass what a pod's interface carried, and nothing of the node's own interfaces. */
async function podInterfaceFilter({ netns, podInterfaces }: LabNodeNetwork): Promise<string> {
  const links = JSON.parse(await run(['ip', '-netns', netns, '-json', 'link'])) as {
    ifindex: number;
    ifname: string;
  }[];
  return links
    .filter(({ ifname }) => podInterfaces.some((pod) => pod.interface === ifname))
    .map(({ ifindex }) => `ifindex ${ifindex}`)
    .join(' or ');
}

function exitCode(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    // tcpdump ends with 0 on SIGINT; a signal that killed it counts as a failure.
    child.on('close', (code) => resolve(code ?? -1));
  });
}

/** The number in the first line of this form in tcpdump's closing report. */
function countIn(lines: readonly string[], form: RegExp): number {
  for (const line of lines) {
    const match = form.exec(line);
    if (match) return Number(match[1]);
  }
  throw new Error(`tcpdump's report has no line like ${form.source}: ${lines.join(' ')}`);
}
