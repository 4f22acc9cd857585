import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execInNamespace, listNamespaces } from './command/namespace.js';
import { run } from './command/run.js';
import { downLab, upLab, type Lab, type LabPodInterface } from './lab.js';
import { workloadProgram } from './paths.js';
import { whyUnavailable } from './unavailable.js';

const reason = whyUnavailable(['ip', 'nft', 'ping', 'ethtool', 'tcpdump']);
if (reason !== undefined) console.log(`The lab's tests are skipped. ${reason}`);

/** Labs of this process, so that two runs at once do not meet. */
const name = `test${process.pid}`;
const crashed = `crash${process.pid}`;
const compiledLab = pathToFileURL(path.join(path.dirname(workloadProgram), '../lab.js')).href;

afterAll(async () => {
  if (reason === undefined) for (const lab of [name, crashed]) await downLab(lab);
});

describe.skipIf(reason !== undefined)('a lab with servers and without traffic', () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await upLab({
      name,
      definition: 'storefront',
      traffic: false,
      offloads: false,
      log: console.error,
    });
  });

  it.concurrent.each([
    ['frontend', 'microservice1.storefront.svc.cluster.local', 80, 'answered'],
    ['frontend', 'microservice2.storefront.svc.cluster.local', 80, 'answered'],
    ['frontend', 'logging.storefront.svc.cluster.local', 9880, 'answered'],
    ['frontend', 'backend.storefront.svc.cluster.local', 80, 'unanswered'],
    ['microservice1', 'backend.storefront.svc.cluster.local', 80, 'answered'],
    ['microservice1', 'backend.storefront.svc.cluster.local', 9100, 'refused'],
    ['microservice1', 'microservice2.storefront.svc.cluster.local', 80, 'unanswered'],
    ['microservice1', 'api.telephony.example', 80, 'unanswered'],
    ['microservice2', 'api.telephony.example', 80, 'answered'],
    ['microservice2', 'drop.threat.example', 80, 'unanswered'],
    ['backend', 'logging.storefront.svc.cluster.local', 9880, 'answered'],
    ['backend', 'frontend.storefront.svc.cluster.local', 80, 'unanswered'],
    ['attacker', 'frontend.storefront.svc.cluster.local', 80, 'unanswered'],
    ['attacker', 'backend.storefront.svc.cluster.local', 80, 'unanswered'],
    ['attacker', 'logging.storefront.svc.cluster.local', 9880, 'unanswered'],
    ['attacker', 'api.telephony.example', 80, 'unanswered'],
    ['attacker', 'packages.mirror.example', 80, 'answered'],
  ] as const)('%s calls %s port %i, over both families: %s', async (app, host, port, outcome) => {
    const { netns } = podOf(lab, app);
    const both = await Promise.all([connectFrom(netns, host, port, 4), connectFrom(netns, host, port, 6)]);
    expect(both).toEqual([outcome, outcome]);
  });

  it('lets pods except the attacker reach the API server', async () => {
    const host = 'kubernetes.default.svc.cluster.local';
    expect(await connectFrom(podOf(lab, 'attacker').netns, host, 443, 4)).toBe('unanswered');
    expect(await connectFrom(podOf(lab, 'coredns').netns, '10.96.0.1', 443, 4)).toBe('answered');
  });

  it('lets only customers in from the external network', async () => {
    const { addresses } = podOf(lab, 'frontend');
    for (const [index, family] of ([4, 6] as const).entries()) {
      const [customer, scanner] =
        family === 4 ? ['198.51.100.20', '203.0.113.66'] : ['2001:db8:51::20', '2001:db8:113::66'];
      const call = (from: string) =>
        connectFrom(lab.external.netns, addresses[index] ?? '', 8080, family, from);
      expect(await call(customer)).toBe('answered');
      expect(await call(scanner)).toBe('unanswered');
    }
  });

  it('lets the dmz ping the trusted zone but denies pings to the restricted zone', async () => {
    const [frontend, attacker] = [podOf(lab, 'frontend').netns, podOf(lab, 'attacker').netns];
    for (const family of [0, 1]) {
      const trusted = podOf(lab, 'microservice2').addresses[family] ?? '';
      const restricted = podOf(lab, 'backend').addresses[family] ?? '';
      expect((await execInNamespace(frontend, ['ping', '-n', '-c1', '-W2', trusted])).code).toBe(0);
      expect((await execInNamespace(frontend, ['ping', '-n', '-c1', '-W1', restricted])).code).toBe(1);
      expect((await execInNamespace(attacker, ['ping', '-n', '-c1', '-W1', restricted])).code).toBe(1);
    }
  });

  it('drops denied packets on the node and counts them under the name of the policy', async () => {
    const before = await droppedPackets(lab, 'security.pci-boundary');
    const backend = podOf(lab, 'backend');
    const [address = ''] = backend.addresses;
    expect(await connectFrom(podOf(lab, 'attacker').netns, address, 8080, 4)).toBe('unanswered');
    const after = await droppedPackets(lab, 'security.pci-boundary');
    const [at, elsewhere] = lab.nodes.map((node) => node.podInterfaces.includes(backend));
    const grew = lab.nodes.map((_, index) => (after[index] ?? 0) > (before[index] ?? 0));
    expect(grew).toEqual([at, elsewhere]);
  });

  it.each([4, 6] as const)('does not masquerade the IPv%i addresses of pods', async (family) => {
    const pod = podOf(lab, 'microservice2');
    const of = (addresses: string[]) => addresses[family === 4 ? 0 : 1] ?? '';
    const [from, to] = [of(pod.addresses), of(lab.external.addresses)];
    const filter = `dst host ${to} and dst port 80`;
    let seen: string | undefined;
    const capture = execInNamespace(
      lab.external.netns,
      ['tcpdump', '--immediate-mode', '-lnc1', '-i', 'eth0', filter],
      { timeoutMs: 20_000 },
    ).then(({ stdout }) => (seen = stdout));
    await until(async () => {
      await connectFrom(pod.netns, to, 80, family);
      return seen !== undefined;
    });
    expect(await capture).toContain(` ${from}.`);
  });

  it('sets the pod as interface alias and turns segmentation offload off', async () => {
    for (const node of lab.nodes) {
      for (const pod of node.podInterfaces) {
        const link = await run(['ip', '-netns', node.netns, 'link', 'show', pod.interface]);
        expect(link).toContain(`alias ${pod.namespace}/${pod.pod}`);
        for (const [netns, device] of [
          [node.netns, pod.interface],
          [pod.netns, 'eth0'],
        ] as const) {
          const { stdout } = await execInNamespace(netns, ['ethtool', '-k', device]);
          expect(stdout).toMatch(/^tcp-segmentation-offload: off$/m);
          expect(stdout).toMatch(/^generic-receive-offload: off$/m);
        }
      }
    }
  });

  it('runs next to another lab, which can be removed after its owner was killed', async () => {
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', ownerProgram(crashed)]);
    const [up] = await Promise.race([
      onceLine(owner.stdout),
      onceLine(owner.stderr).then(([line]) => Promise.reject(new Error(line))),
    ]);
    expect(up).toBe('up');
    owner.kill('SIGKILL');
    expect(await listNamespaces(`sonde-${crashed}-`)).not.toEqual([]);
    expect(await downLab(crashed)).toBe(true);
    expect(await listNamespaces(`sonde-${crashed}-`)).toEqual([]);
    expect(await downLab(crashed)).toBe(false);
    const { netns } = podOf(lab, 'microservice1');
    expect(await connectFrom(netns, 'backend.storefront.svc.cluster.local', 80, 4)).toBe('answered');
  });

  it('removes all namespaces, processes and links', async () => {
    const pids = (
      await Promise.all(
        lab.nodes.flatMap((node) => node.podInterfaces).map((pod) => run(['ip', 'netns', 'pids', pod.netns])),
      )
    ).flatMap((text) => text.split('\n').filter(Boolean).map(Number));
    expect(pids.length).toBeGreaterThan(0);
    await lab.down();
    expect(await listNamespaces(`sonde-${name}-`)).toEqual([]);
    expect(pids.filter(isAlive)).toEqual([]);
    const links = JSON.parse(await run(['ip', '-json', 'link'])) as { ifname: string }[];
    const ofLab = lab.nodes.flatMap((node) => [node.name, ...node.podInterfaces.map((pod) => pod.interface)]);
    expect(links.filter(({ ifname }) => ofLab.includes(ifname))).toEqual([]);
  });
});

describe.skipIf(reason !== undefined)('a lab with traffic', () => {
  it('ends every call with the expected result and drops packets on every node', async () => {
    const lines: string[] = [];
    const lab = await upLab({
      name,
      definition: 'storefront',
      traffic: true,
      log: (line) => lines.push(line),
    });
    const expected = ['security.pci-boundary', 'security.block-threats', 'attacker/sandbox-egress'];
    await until(async () => {
      const dropped = await Promise.all(expected.map((policy) => droppedPackets(lab, policy)));
      return dropped.every((perNode) => perNode.some((packets) => packets > 0));
    });
    await lab.down();
    expect(lines).toEqual([]);
  });
});

describe.skipIf(reason !== undefined)('a machine that cannot run a lab', () => {
  it.each([
    [
      'root',
      ['setpriv', '--reuid=65534'],
      {},
      'The lab needs root to make network namespaces: run it with sudo.',
    ],
    ['ping', [], { PATH: '' }, 'The lab needs ping: run "apt-get install iputils-ping".'],
    [
      'capabilities',
      ['setpriv', '--bounding-set=-sys_admin'],
      {},
      'This machine refuses what the lab is made of',
    ],
  ])('is told what it lacks: %s', async (_, wrapper, env, message) => {
    const program = `
      import { upLab } from '${compiledLab}';
      const options = { name: '${crashed}', definition: 'storefront', traffic: false, log: console.error };
      await upLab(options).catch((error) => console.log(String(error)));`;
    const [file = '', ...args] = [...wrapper, process.execPath, '--input-type=module', '--eval', program];
    const child = spawn(file, args, { env: { ...process.env, ...env } });
    const [said] = await onceLine(child.stdout);
    expect(said).toContain(`LabUnavailable: ${message}`);
  });
});

function podOf(lab: Lab, app: string): LabPodInterface {
  const pods = lab.nodes.flatMap((node) => node.podInterfaces);
  const found = pods.find(({ pod }) => pod.startsWith(`${app}-`));
  if (!found) throw new Error(`The lab has no pod of ${app}.`);
  return found;
}

/** Opens a TCP connection inside a namespace, resolving the host by the cluster's DNS as the workloads do. */
async function connectFrom(
  netns: string,
  host: string,
  port: number,
  family: 4 | 6,
  from?: string,
): Promise<string> {
  const workload = pathToFileURL(path.dirname(workloadProgram)).href;
  const program = `
    import { connect } from '${workload}/connect.js';
    import { resolveBy } from '${workload}/resolve.js';
    const resolve = resolveBy(['10.96.0.10', 'fd00:10:96::10']);
    console.log(await connect(await resolve('${host}', ${family}), ${port}, ${JSON.stringify(from)}));`;
  const { stdout, stderr } = await execInNamespace(netns, [
    process.execPath,
    '--input-type=module',
    '--eval',
    program,
  ]);
  return stdout.trim() || stderr;
}

/** For each node, how many packets its enforcement dropped on account of a policy. */
async function droppedPackets(lab: Lab, policy: string): Promise<number[]> {
  return Promise.all(
    lab.nodes.map(async ({ netns }) => {
      const { stdout } = await execInNamespace(netns, ['nft', 'list', 'table', 'inet', 'enforcement']);
      const rule = new RegExp(`counter packets (\\d+) bytes \\d+ drop comment "${policy}`, 'g');
      return [...stdout.matchAll(rule)].reduce((sum, match) => sum + Number(match[1]), 0);
    }),
  );
}

function ownerProgram(lab: string): string {
  return `
    import { upLab } from '${compiledLab}';
    await upLab({ name: '${lab}', definition: 'storefront', traffic: true, log: console.error });
    console.log('up');`;
}

async function onceLine(stream: NodeJS.ReadableStream): Promise<[string]> {
  for await (const line of createInterface({ input: stream })) return [line];
  return new Promise(() => undefined);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 25_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('condition not met within 25 s');
    await sleep(200);
  }
}
