import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execute, run } from '@sonde/deploy/lab/command/run';
import { whySkipLive } from '../e2e/live.js';
import { NodeNetwork } from './node-network.js';
import { flowprobeProgram } from './paths.js';
import { watch } from './watch.js';

const reason = whySkipLive();

describe.skipIf(reason !== undefined)('flowprobe', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('lifecycle', 2);
    await node.serve(node.pod(2), 'udp-server', node.pod(2).ipv4, '5300');
  });
  afterAll(async () => {
    await node.remove();
  });

  const onNode = (...options: string[]) => ['--netns', `/run/netns/${node.netns}`, ...options];

  it('attaches to an interface created later and reports its flows after it is deleted', async () => {
    const probe = await watch(node.netns, '--interface', 'late*', '--window-ms', '500');
    await run(['ip', '-n', node.netns, 'link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'peer0']);
    await run(['ip', '-n', node.netns, 'link', 'set', 'late0', 'up']);
    await run(['ip', '-n', node.netns, 'link', 'set', 'peer0', 'up']);
    await run(['ip', '-n', node.netns, 'addr', 'add', '10.80.0.1/24', 'dev', 'late0']);
    await run([
      'ip',
      '-n',
      node.netns,
      'neigh',
      'add',
      '10.80.0.2',
      'lladdr',
      '02:00:00:00:00:02',
      'dev',
      'late0',
    ]);
    await probe.watches('late0');
    await node.inNode('ping', '-c', '2', '-i', '0.1', '-W', '0.1', '10.80.0.2').catch(() => '');
    await run(['ip', '-n', node.netns, 'link', 'del', 'late0']);
    await probe.watches();
    const { flows } = await probe.stop();
    expect(flows).toContainEqual(
      expect.objectContaining({ server: '10.80.0.2', packetsOut: 2, icmpType: 8 }),
    );
  });

  it.each([
    ['selected by name', ['--interface', 'mover0']],
    ['selected as a pod interface', ['--pods']],
  ])(
    'detaches from an interface %s that leaves the namespace and reattaches when it returns',
    async (_, options) => {
      const [pod] = node.pods;
      const rename = (from: string, to: string) =>
        run(['ip', '-n', from, 'link', 'set', 'mover0', 'netns', to] as const);
      const create = 'link add mover0 type veth peer name mover1';
      await run(['ip', '-n', node.netns, ...create.split(' '), 'netns', pod?.netns ?? '']);
      const others = options.includes('--pods') ? ['pod1', 'pod2'] : [];
      const probe = await watch(node.netns, ...options, '--window-ms', '200');
      await probe.watches('mover0', ...others);
      await rename(node.netns, node.pod(2).netns);
      await probe.watches(...others);
      await rename(node.pod(2).netns, node.netns);
      await probe.watches('mover0', ...others);
      await run(['ip', '-n', node.netns, ...'addr add 10.82.0.1/24 dev mover0'.split(' ')]);
      await run(['ip', '-n', node.netns, 'link', 'set', 'mover0', 'up']);
      await run(['ip', '-n', pod?.netns ?? '', ...'addr add 10.82.0.2/24 dev mover1'.split(' ')]);
      await run(['ip', '-n', pod?.netns ?? '', 'link', 'set', 'mover1', 'up']);
      await node.inNode('ping', '-q', '-c', '3', '-i', '0.1', '10.82.0.2');
      const { flows } = await probe.stop();
      await run(['ip', '-n', node.netns, 'link', 'del', 'mover0']);
      const pings = flows.filter(({ server }) => server === '10.82.0.2');
      expect(pings.reduce((sum, { packetsOut }) => sum + packetsOut, 0)).toBe(3);
    },
  );

  it.each([[[]], [['--filters']]])('counts each packet once with the options %j', async (options) => {
    const probe = await watch(node.netns, '--interface', 'pod*', ...options);
    await node.send(node.pod(1), 'udp-client', node.pod(2).ipv4, '5300', '5', '100');
    const { flows } = await probe.stop();
    expect(flows.filter(({ protocol }) => protocol === 17)).toMatchObject([{ packetsOut: 5, packetsIn: 5 }]);
  });

  it('leaves only clsact filters attached when killed, which the next flowprobe removes', async () => {
    for (const options of [[], ['--filters']]) {
      const probe = spawn(flowprobeProgram, onNode('--interface', 'pod1', ...options), {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(probe.stdout, 'data');
      probe.kill('SIGKILL');
      await once(probe, 'close');
    }
    const filters = () => node.inNode('tc', 'filter', 'show', 'dev', 'pod1', 'ingress');
    expect(await filters()).toContain('sonde_pod_in');
    await (await watch(node.netns, '--interface', 'pod2')).stop();
    expect(await filters()).not.toContain('sonde_pod_in');
  });

  it('does not remove filters of other programs', async () => {
    await node.inNode('tc', 'qdisc', 'replace', 'dev', 'pod1', 'clsact');
    const other = 'filter add dev pod1 ingress prio 7 bpf bytecode'.split(' ');
    await node.inNode('tc', ...other, '1,6 0 0 0');
    await (await watch(node.netns, '--interface', 'pod1', '--filters')).stop();
    expect(await node.inNode('tc', 'filter', 'show', 'dev', 'pod1', 'ingress')).toContain('pref 7');
  });

  it('exits when its output is closed', async () => {
    const probe = spawn(flowprobeProgram, onNode('--interface', 'pod1', '--window-ms', '50'), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(probe.stdout, 'data');
    const ended = once(probe, 'close');
    probe.stdout.destroy();
    expect((await ended)[0]).toBe(0);
  });

  it('drops all capabilities except CAP_NET_ADMIN, which attaching to new interfaces requires', async () => {
    const probe = spawn(flowprobeProgram, onNode('--interface', 'pod1'), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(probe.stdout, 'data');
    const status = await run(['grep', 'CapPrm', `/proc/${probe.pid ?? 0}/status`]);
    probe.kill('SIGTERM');
    await once(probe, 'close');
    expect(Number.parseInt(status.replace('CapPrm:', '').trim(), 16)).toBe(1 << 12); // CAP_NET_ADMIN
  });

  it('counts one packet in N with sampling and states N in each record', async () => {
    const probe = await watch(node.netns, '--interface', 'pod*', '--sampling', '4');
    await node.send(node.pod(1), 'udp-client', node.pod(2).ipv4, '5300', '400', '100');
    const { flows } = await probe.stop();
    const [flow] = flows.filter(({ protocol }) => protocol === 17);
    const counted = (flow?.packetsOut ?? 0) + (flow?.packetsIn ?? 0);
    expect(flow?.sampling).toBe(4);
    // 800 packets: 200 expected, with a standard deviation of 12.
    expect(counted).toBeGreaterThan(100);
    expect(counted).toBeLessThan(300);
  });

  it('raises the sampling when the kernel programs exceed the CPU limit', async () => {
    const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '100', '--cpu-limit', '1');
    await node.send(node.pod(1), 'udp-spread', node.pod(2).ipv4, '20000', '5000', '100000');
    const { flows } = await probe.stop();
    expect(Math.max(...flows.map(({ sampling }) => sampling))).toBeGreaterThan(1);
  });

  it.each([
    ['an unknown option', ['--nonsense'], 2, 'nonsense'],
    ['no interface', [], 2, 'no interfaces selected'],
    ['an invalid number', ['--interface', 'pod1', '--window-ms', 'soon'], 2, 'invalid value "soon"'],
    ['an interface that does not exist', ['--interface', 'pod9'], 5, 'interface pod9 does not exist'],
  ])('rejects %s with an error message and a specific exit code', async (_, options, code, sentence) => {
    const result = await execute([flowprobeProgram, ...onNode(...options)]);
    expect(result).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(sentence) as string });
  });

  it('reports missing capabilities', async () => {
    const unprivileged = ['setpriv', '--reuid', '65534', '--clear-groups', '--bounding-set', '-all'] as const;
    const result = await execute([...unprivileged, flowprobeProgram, '--interface', 'lo']);
    expect(result).toMatchObject({ code: 3, stderr: expect.stringContaining('CAP_NET_ADMIN') as string });
  });
});
