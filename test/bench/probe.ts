import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { probeWindows } from '@sonde/collector/probe/windows';
import { inNamespace } from '@sonde/deploy/lab/command/namespace';
import { type Command, run as runCommand } from '@sonde/deploy/lab/command/run';
import { NodeNetwork, type TestPod } from '../probe/node-network.js';
import { baselineProgram, flowprobeProgram } from '../probe/paths.js';

const ROUNDS = 6;
const BULK_SECONDS = 2;
const CONCURRENT_FLOWS = 10_000;
const SPREAD_PACKETS = 200_000;
const EVICTED_FLOWS = 40_000;
const statsSwitch = '/proc/sys/kernel/bpf_stats_enabled';

/**
 * Measures the cost of the probe against a baseline (bpf-probe/bench/baseline.bpf.c) that parses the five-tuple and
 * updates one per-CPU map entry. Both are attached to the same interface and see the same packets; they alternate in
 * running first, where caches are colder. Times come from the kernel's BPF statistics.
 */
export async function run(): Promise<Record<string, number>> {
  const statsBefore = readFileSync(statsSwitch, 'utf8');
  const network = await NodeNetwork.make('bench', 2, { offload: true });
  const [client, server] = [network.pod(1), network.pod(2)];
  const children = new Children();
  try {
    await consumeDatagrams(network, server);
    await children.start(
      inNamespace(server.netns, ['iperf3', '-s', '--forceflush', '-B', server.ipv4]),
      'listening',
    );
    const sendBulk = async () => {
      const command = ['iperf3', '-c', server.ipv4, '-t', String(BULK_SECONDS), '-J'] as const;
      const { end } = JSON.parse(await network.inPod(client, ...command)) as IperfReport;
      return end.sum_received.bits_per_second;
    };
    const sendSpread = (flows: number, packets: number) =>
      network.send(client, 'udp-spread', server.ipv4, '10000', String(flows), String(packets));

    const throughputRatio = await compareThroughput(network, children, sendBulk);
    writeFileSync(statsSwitch, '1');
    // Packets are counted on ingress at the first pod's interface, and on egress at the second pod's if only that one
    // is watched.
    const ingress = await compare(network, children, 'pod1', 'in', sendBulk);
    const egress = await compare(network, children, 'pod2', 'out', sendBulk);
    const many = await compare(network, children, 'pod1', 'in', () =>
      sendSpread(CONCURRENT_FLOWS, SPREAD_PACKETS),
    );
    writeFileSync(statsSwitch, statsBefore);
    return {
      'probe.ingressRatioToBaseline': ingress.ratio,
      'probe.egressRatioToBaseline': egress.ratio,
      'probe.manyFlowsRatioToBaseline': many.ratio,
      'probe.throughputRatio': throughputRatio,
      'probe.nanosPerPacket': ingress.nanos,
      'probe.baselineNanosPerPacket': ingress.baselineNanos,
      'probe.manyFlowsNanosPerPacket': many.nanos,
      ...(await measureEviction(network, () => sendSpread(EVICTED_FLOWS, EVICTED_FLOWS))),
    };
  } finally {
    writeFileSync(statsSwitch, statsBefore);
    await children.stop();
    await network.remove();
  }
}

/**
 * Makes a pod's interface consume datagrams at no further cost, with a classic BPF filter (ldb [23]; jeq 17; ret
 * TC_ACT_STOLEN): the kernel neither reports a drop nor sends a response.
 */
async function consumeDatagrams(network: NodeNetwork, pod: TestPod): Promise<void> {
  const program = '4,48 0 0 23,21 0 1 17,6 0 0 4,6 0 0 4294967295';
  await network.inPod(pod, 'tc', 'qdisc', 'add', 'dev', 'eth0', 'clsact');
  const filter = ['filter', 'add', 'dev', 'eth0', 'ingress', 'bpf', 'da', 'bytecode', program];
  await network.inPod(pod, 'tc', ...filter);
}

interface IperfReport {
  readonly end: { readonly sum_received: { readonly bits_per_second: number } };
}

/** Time per packet of the probe and of the baseline on the same packets, and the median ratio of the rounds. */
async function compare(
  network: NodeNetwork,
  children: Children,
  interfaceName: string,
  direction: 'in' | 'out',
  traffic: () => Promise<unknown>,
): Promise<{ ratio: number; nanos: number; baselineNanos: number }> {
  const flowprobe = inNamespace(network.netns, [flowprobeProgram, '--interface', interfaceName]);
  const baseline = inNamespace(network.netns, [baselineProgram, interfaceName]);
  const rounds: { probe: number; baseline: number }[] = [];
  // Each program attaches before existing ones, so the one started last runs first.
  for (const order of ['probe first', 'baseline first'] as const) {
    const commands = order === 'probe first' ? [baseline, flowprobe] : [flowprobe, baseline];
    const started = [];
    for (const command of commands) started.push(await children.start(command));
    if (order === 'probe first') started.reverse();
    const [probePid, baselinePid] = started.map(({ pid }) => pid ?? 0);
    const read = async () => ({
      probe: await programStats(probePid ?? 0, `sonde_pod_${direction}`),
      baseline: await programStats(baselinePid ?? 0, `baseline_${direction}`),
    });
    for (let round = 0; round < ROUNDS / 2; round++) {
      const before = await read();
      await traffic();
      const after = await read();
      rounds.push({
        probe: nanosPerRun(before.probe, after.probe),
        baseline: nanosPerRun(before.baseline, after.baseline),
      });
    }
    await children.stop(...started);
  }
  // The geometric mean over both orders cancels the cost of running first.
  const ratios = (['probe first', 'baseline first'] as const).map((_, half) =>
    median(rounds.slice((half * ROUNDS) / 2, ((half + 1) * ROUNDS) / 2).map((r) => r.probe / r.baseline)),
  );
  return {
    ratio: Math.sqrt((ratios[0] ?? NaN) * (ratios[1] ?? NaN)),
    nanos: median(rounds.map(({ probe }) => probe)),
    baselineNanos: median(rounds.map(({ baseline }) => baseline)),
  };
}

/** Throughput with the probe on both pods' interfaces relative to throughput without, alternating. */
async function compareThroughput(
  network: NodeNetwork,
  children: Children,
  sendBulk: () => Promise<number>,
): Promise<number> {
  const command = inNamespace(network.netns, [flowprobeProgram, '--interface', 'pod*']);
  const ratios: number[] = [];
  await sendBulk();
  for (let round = 0; round < ROUNDS; round++) {
    const before = await sendBulk();
    const probe = await children.start(command);
    const during = await sendBulk();
    await children.stop(probe);
    const after = await sendBulk();
    ratios.push(during / ((before + after) / 2));
  }
  return median(ratios);
}

/**
 * CPU time per flow at the end of a window: eviction (reading and clearing the kernel's map), creating records with the
 * state of tracked connections, and writing them to the pipe.
 */
async function measureEviction(
  network: NodeNetwork,
  traffic: () => Promise<unknown>,
): Promise<Record<string, number>> {
  const [program, ...args] = inNamespace(network.netns, [
    flowprobeProgram,
    ...['--interface', 'pod1', '--window-ms', '1000'],
  ]);
  const probe = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let counters: ReadonlyMap<string, number> = new Map();
  let watching: () => void;
  const watched = new Promise<void>((resolve) => (watching = resolve));
  const reading = (async () => {
    for await (const window of probeWindows(probe.stdout, { onInterfaces: () => watching() })) {
      counters = window.counters;
    }
  })();
  await watched;
  for (let round = 0; round < ROUNDS; round++) await traffic();
  probe.kill('SIGTERM');
  await reading;
  const nanosPerFlow = (part: string) =>
    ((counters.get(`${part}_cpu_micros`) ?? NaN) * 1000) / (counters.get('flows_reported') ?? NaN);
  return {
    'probe.evictionNanosPerFlow': nanosPerFlow('drain'),
    'probe.recordNanosPerFlow': nanosPerFlow('records'),
    'probe.sendingNanosPerFlow': nanosPerFlow('send'),
  };
}

interface ProgramStats {
  readonly nanos: number;
  readonly runs: number;
}

function nanosPerRun(before: ProgramStats, after: ProgramStats): number {
  return (after.nanos - before.nanos) / (after.runs - before.runs);
}

/** The kernel's statistics of a program that a process has loaded. */
async function programStats(pid: number, name: string): Promise<ProgramStats> {
  for (const descriptor of readdirSync(`/proc/${pid}/fdinfo`)) {
    const info = readFileSync(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8');
    const id = /^prog_id:\t(\d+)$/m.exec(info)?.[1];
    if (id === undefined || !info.includes('run_time_ns')) continue;
    const shown = JSON.parse(await runCommand(['bpftool', '-j', 'prog', 'show', 'id', id])) as {
      name?: string;
      run_time_ns?: number;
      run_cnt?: number;
    };
    if (shown.name === name) return { nanos: shown.run_time_ns ?? 0, runs: shown.run_cnt ?? 0 };
  }
  throw new Error(`process ${pid} has no program ${name}`);
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Child processes of the benchmark. */
class Children {
  readonly #running = new Set<Child>();

  /** Starts a program; resolves when it has printed `until`, or anything. */
  async start([program, ...args]: Command, until = ''): Promise<Child> {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#running.add(child);
    let printed = '';
    const ended = once(child, 'close').then(() => {
      throw new Error(`${program} ${args.join(' ')} ended`);
    });
    ended.catch(() => undefined);
    child.stdout.on('data', (data: Buffer) => (printed = (printed + data.toString('latin1')).slice(-1000)));
    do await Promise.race([once(child.stdout, 'data'), ended]);
    while (!printed.includes(until));
    return child;
  }

  async stop(...children: readonly Child[]): Promise<void> {
    for (const child of children.length > 0 ? children : [...this.#running]) {
      this.#running.delete(child);
      const ended = once(child, 'close');
      child.stdin.end();
      child.kill('SIGTERM');
      await ended;
    }
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
