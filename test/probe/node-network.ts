import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  inNamespace,
  listNamespaces,
  removeNamespaces,
  execInNamespace,
} from '@sonde/deploy/lab/command/namespace';
import { run, type Command } from '@sonde/deploy/lab/command/run';
import { eventually } from '../eventually.js';
import { connectionsProgram, sendFramesProgram, trafficEndProgram } from './paths.js';

/** A pod of a {@link NodeNetwork}: a network namespace with `eth0`, whose peer on the node is `interfaceName`. */
export interface TestPod {
  readonly netns: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly interfaceName: string;
}

/**
 * A node for probe tests: a network namespace that routes between pods, like most container networks. `remove` deletes
 * it with all pods.
 */
export class NodeNetwork {
  readonly #processes: ChildProcess[] = [];

  private constructor(
    readonly netns: string,
    readonly pods: readonly TestPod[],
  ) {}

  /** Creates a node; `name` must be unique among test files. Segmentation offload is off unless `offload` is set. */
  static async make(name: string, podCount: number, { offload = false } = {}): Promise<NodeNetwork> {
    const node = `sonde-probe-test-${name}`;
    const pods = Array.from({ length: podCount }, (_, i): TestPod => {
      const number = i + 1;
      return {
        netns: `${node}-pod${number}`,
        ipv4: `10.77.0.${number}`,
        ipv6: `fd77::${number}`,
        interfaceName: `pod${number}`,
      };
    });
    await removeNamespaces(
      (await listNamespaces(node)).filter((name) => name === node || name.startsWith(`${node}-`)),
    );
    const commands = [
      `netns add ${node}`,
      `-n ${node} link set lo up`,
      ...pods.flatMap(({ netns, ipv4, ipv6, interfaceName }) => [
        `netns add ${netns}`,
        `-n ${netns} link set lo up`,
        `link add ${interfaceName} netns ${node} type veth peer name eth0 netns ${netns}`,
        `-n ${netns} addr add ${ipv4}/32 dev eth0`,
        `-n ${netns} addr add ${ipv6}/128 dev eth0 nodad`,
        `-n ${netns} link set eth0 up`,
        `-n ${node} addr add 169.254.1.1/32 dev ${interfaceName}`,
        `-n ${node} addr add fe80::1/64 dev ${interfaceName} nodad`,
        `-n ${node} link set ${interfaceName} up`,
        `-n ${netns} route add 169.254.1.1 dev eth0`,
        `-n ${netns} route add default via 169.254.1.1 dev eth0`,
        `-n ${netns} -6 route add default via fe80::1 dev eth0`,
        `-n ${node} route add ${ipv4}/32 dev ${interfaceName}`,
        `-n ${node} -6 route add ${ipv6}/128 dev ${interfaceName}`,
      ]),
    ];
    for (const command of commands) await run(['ip', ...command.split(' ')] as unknown as Command);
    const network = new NodeNetwork(node, pods);
    await network.inNode('sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1');
    if (!offload) await network.turnOffloadOff();
    return network;
  }

  /** Pod number `number`, from 1. */
  pod(number: number): TestPod {
    const pod = this.pods[number - 1];
    if (!pod) throw new Error(`there is no pod ${number}`);
    return pod;
  }

  /** Runs a command in the node's namespace. */
  async inNode(...command: [string, ...string[]]): Promise<string> {
    return run(inNamespace(this.netns, command));
  }

  /** Loads nftables rules into the node. */
  async loadRules(rules: string): Promise<void> {
    await run(inNamespace(this.netns, ['nft', '-f', '-']), { input: rules });
  }

  /** Loads nftables rules into a pod. */
  async loadRulesInPod({ netns }: TestPod, rules: string): Promise<void> {
    await run(inNamespace(netns, ['nft', '-f', '-']), { input: rules });
  }

  /** Starts a server of `traffic-end.mjs` in a pod; resolves when it listens. */
  async serve(pod: TestPod, ...end: string[]): Promise<void> {
    await this.#start(inNamespace(pod.netns, [process.execPath, trafficEndProgram, ...end]));
  }

  /** Runs a client of `traffic-end.mjs` in a pod until it exits. */
  async send(pod: TestPod, ...end: string[]): Promise<void> {
    await run(inNamespace(pod.netns, [process.execPath, trafficEndProgram, ...end]));
  }

  /** Sends raw frames from a pod. */
  async sendFrames({ netns }: TestPod, ...frames: readonly Buffer[]): Promise<void> {
    await run(
      inNamespace(netns, [sendFramesProgram, 'eth0', ...frames.map((frame) => frame.toString('hex'))]),
    );
  }

  /** Starts a server in a pod; resolves at its first output, which must mean that it listens. */
  async run(pod: TestPod, ...command: [string, ...string[]]): Promise<void> {
    await this.#start(inNamespace(pod.netns, command));
  }

  /** Starts a client of `traffic-end.mjs` in a pod; resolves at its first output with a function that ends it. */
  async startClient(pod: TestPod, ...end: string[]): Promise<() => void> {
    const client = await this.#start(inNamespace(pod.netns, [process.execPath, trafficEndProgram, ...end]));
    return () => client.kill('SIGKILL');
  }

  /** Starts `connections serve` (bpf-probe/tools) in a pod. */
  async serveConnections(pod: TestPod, address: string, port: string): Promise<void> {
    await this.run(pod, connectionsProgram, 'serve', address, port);
  }

  /** Opens connections to it one at a time, as fast as possible. */
  async openConnections(pod: TestPod, address: string, port: string, count: number): Promise<void> {
    await run(inNamespace(pod.netns, [connectionsProgram, 'open', address, port, String(count), '10']));
  }

  /** Runs a command in a pod and returns its standard output, whatever its exit code. */
  async inPod(pod: TestPod, ...command: [string, ...string[]]): Promise<string> {
    return (await execInNamespace(pod.netns, command)).stdout;
  }

  /** Waits until every TCP connection of a pod has ended: the kernel closes them after the process exited. */
  async untilClosed(pod: TestPod): Promise<void> {
    const ended = ['exclude', 'listening', 'exclude', 'time-wait'];
    await eventually(async () => {
      const open = await this.inPod(pod, 'ss', '-Htan', 'state', 'all', ...ended);
      if (open !== '') throw new Error(`connections are still open:\n${open}`);
    });
  }

  async remove(): Promise<void> {
    for (const process of this.#processes) process.kill('SIGKILL');
    await removeNamespaces([this.netns, ...this.pods.map(({ netns }) => netns)]);
  }

  /** Starts a server; resolves at its first output. */
  async #start([program, ...args]: Command): Promise<ChildProcess> {
    const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#processes.push(server);
    await once(server.stdout, 'data');
    return server;
  }

  async turnOffloadOff(): Promise<void> {
    const off = ['tso', 'off', 'gso', 'off', 'gro', 'off'];
    for (const { netns, interfaceName } of this.pods) {
      await run(inNamespace(netns, ['ethtool', '-K', 'eth0', ...off]));
      await this.inNode('ethtool', '-K', interfaceName, ...off);
    }
  }
}
