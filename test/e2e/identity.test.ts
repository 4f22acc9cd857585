import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '@sonde/backbone/logging';
import { type Embedded, startEmbedded } from '@sonde/cli/up/embedded';
import { probeProgram } from '@sonde/collector/probe/probe-program';
import { flowprobeSource } from '@sonde/collector/probe/flowprobe';
import { type AddedPod, type Lab, upLab } from '@sonde/deploy/lab/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { eventually } from '../eventually.js';
import { buildPod } from '../builders/pod.js';
import { FakeApiServer } from '../kubernetes/fake-api-server.js';
import { writeKubeConfig } from '../kubernetes/kube-config-file.js';
import { serveManifests } from '../kubernetes/serve-manifests.js';
import { whySkipLive } from './live.js';
import { lookUp } from './lookup.js';
import { makeConnections } from './make-connections.js';
import { countByTcpdump, type DirectionCount, PacketRecorder } from './packet-count.js';

const WINDOW_MS = 500;
const PODS = '/api/v1/pods';
const CLUSTER_DNS = '10.96.0.10';
const DOMAIN = 'shop.partner.example';
const OUTSIDE = '203.0.113.30';
const SERVICE = '10.96.0.20';

/** Pairs of pods that take each other's addresses from round to round. */
const PAIRS = [
  { node: 'node-a', names: ['left', 'right'], addresses: ['10.244.1.101', '10.244.1.102'] },
  { node: 'node-b', names: ['up', 'down'], addresses: ['10.244.2.101', '10.244.2.102'] },
] as const;

/** A pod that runs, and that the API server tells of unless it is a ghost. */
interface RunningPod {
  readonly added: AddedPod;
  readonly node: string;
  readonly name: string;
  readonly ip: string;
  readonly startMs: number;
  readonly isGhost: boolean;
}

/** A connection that was made, and what its flows must say. */
interface Made {
  readonly client: RunningPod;
  readonly port: number;
  /** The nodes of its ends. */
  readonly nodes: readonly string[];
  readonly flow: Readonly<Record<string, unknown>>;
  /** The service that was addressed. */
  readonly service?: string | undefined;
  /** What was addressed, as packets at the client's interface show it. */
  readonly addressed: string;
}

/** A connection's packets, there and back. */
interface Volume {
  readonly out: DirectionCount;
  readonly in: DirectionCount;
}

describe.skipIf(whySkipLive() !== undefined).each([
  ['both nodes', ['node-a', 'node-b'], 2],
  ['node-a', ['node-a'], 1],
  ['node-b', ['node-b'], 1],
])('connections of pods that reuse each other’s addresses, with %s observed', (_, monitored, rounds) => {
  let directory: string;
  let lab: Lab;
  let server: FakeApiServer;
  let embedded: Embedded;
  /** The interfaces that each node's probe watches. */
  const interfaces = new Map<string, readonly string[]>();
  const made: Made[] = [];
  const volumes = new Map<number, Volume>();

  beforeAll(async () => {
    directory = temporaryDirectory('identity');
    const definition = path.join(import.meta.dirname, 'open-lab');
    lab = await upLab({
      name: 'e2eidentity',
      definition,
      traffic: false,
      offloads: false,
      log: console.warn,
    });
    server = new FakeApiServer([PODS]);
    await server.start();
    await serveManifests(server, lab.manifestsDirectory);
    const cluster = { server: server.url, 'insecure-skip-tls-verify': true };
    embedded = await startEmbedded({
      clusters: [
        {
          ...{ name: 'lab', manifests: [], sources: monitored.map(probe) },
          kubeConfig: { file: await writeKubeConfig(directory, { cluster, user: { token: 'any' } }) },
        },
      ],
      dataDirectory: path.join(directory, 'data'),
      api: { host: '127.0.0.1', port: 0 },
      log: createLogger('test', 'warn'),
    });
    for (let round = 0; round < rounds; round++) await play(round);
  }, 240_000);

  afterAll(async () => {
    await embedded.stop();
    await server.stop();
    await lab.down();
  });

  it("are attributed to the pod that held the address at the flow's time, with service and domain", async () => {
    await allStored();
    const rows = await flows(
      'node, src_port, src_name, src_node, dst_kind, dst_name, dst_node, dst_service, dst_domain',
    );
    const wrong = rows.filter((row) => {
      const { flow, service = '', client } = made.find(({ port }) => port === row['src_port']) ?? {};
      // Behind the service's address is its pod, and only the client's node sees both.
      const expected = { ...flow, dst_service: row['node'] === client?.node ? service : '' };
      return Object.entries(expected).some(([field, value]) => row[field] !== value);
    });
    expect(wrong).toEqual([]);
  });

  it('are counted once: the sum of primary records equals what tcpdump counts', async () => {
    await allStored();
    const rows = await flows(
      'src_port, toUInt32(sum(packets_out)) AS packets_out, toUInt32(sum(bytes_out)) AS bytes_out, toUInt32(sum(packets_in)) AS packets_in, toUInt32(sum(bytes_in)) AS bytes_in',
      'AND primary GROUP BY src_port',
    );
    const stored = rows.map(({ src_port: port, packets_out, bytes_out, packets_in, bytes_in }) => ({
      port,
      out: { packets: packets_out, bytes: bytes_out },
      in: { packets: packets_in, bytes: bytes_in },
    }));
    const expected = visible().map(({ port }) => ({ port, ...volumes.get(port) }));
    expect(stored).toEqual(expected);
  });

  it('are reported by each observed node', async () => {
    await allStored();
    const rows = await flows(
      'src_port AS port, arraySort(groupUniqArray(node)) AS nodes',
      'GROUP BY src_port',
    );
    const reporting = ({ nodes }: Made) =>
      [...new Set(nodes)].filter((node) => monitored.includes(node)).sort();
    expect(rows).toEqual(visible().map((one) => ({ port: one.port, nodes: reporting(one) })));
  });

  /** Connections that pass a watched node. */
  function visible(): Made[] {
    return made.filter(({ nodes }) => nodes.some((node) => monitored.includes(node)));
  }

  /** Rows of the flows of connections that were made here. */
  function flows(columns: string, rest = ''): Promise<Readonly<Record<string, unknown>>[]> {
    const where = `protocol = 6 AND src_port BETWEEN 20000 AND ${20_000 + rounds * 1000}`;
    return embedded.store.query(`SELECT ${columns} FROM flows WHERE ${where} ${rest} ORDER BY src_port`);
  }

  /** Waits until the last packet of each connection is stored. */
  async function allStored(): Promise<void> {
    await eventually(async () => {
      const rows = await flows('src_port', 'GROUP BY src_port HAVING sum(connections_completed) > 0');
      expect(rows.map((row) => row['src_port'])).toEqual(visible().map(({ port }) => port));
    }, 40_000);
  }

  /** One round: pods start on the addresses of the last round's others, all talk, all end. */
  async function play(round: number): Promise<void> {
    const pods: RunningPod[] = [];
    for (const { node, names, addresses } of PAIRS) {
      for (const [index, name] of names.entries()) {
        const ip = addresses[(index + round) % addresses.length] ?? '';
        pods.push(await startPod(`${name}-${round}`, node, ip));
      }
    }
    const ghost = await startPod(`ghost-${round}`, 'node-a', `10.244.1.${201 + round}`, true);
    await eventually(() => {
      for (const { node, added } of [...pods, ghost]) {
        if (monitored.includes(node)) expect(interfaces.get(node)).toContain(added.interface);
      }
    });
    const recorders = await Promise.all([...pods, ghost].map((pod) => record(pod)));
    // The API server tells of pods while they talk already.
    await Promise.all([
      Promise.resolve().then(() => {
        for (const pod of pods) server.put(PODS, buildPod(pod));
      }),
      ...[...pods, ghost].map((pod, index) => talk(pod, pods, 20_000 + round * 1000 + index * 100)),
    ]);
    for (const [pod, recorder] of recorders) await count(pod, recorder);

    for (const { added } of [...pods, ghost]) await added.remove();
    // The API server's times are whole seconds: nobody can tell apart who held an address within one.
    const endMs = Math.ceil(Date.now() / 1000) * 1000;
    await delay(Math.max(0, endMs - Date.now()));
    for (const pod of pods) {
      server.put(PODS, buildPod({ ...pod, endMs }));
      server.delete(PODS, buildPod(pod));
    }
  }

  async function startPod(name: string, node: string, ip: string, isGhost = false): Promise<RunningPod> {
    const startMs = Math.floor(Date.now() / 1000) * 1000;
    const serve = [{ kind: 'http' as const, port: 8080 }];
    const added = await lab.addPod({ namespace: 'shop', name, node, addresses: [ip], serve });
    return { added, node, name, ip, startMs, isGhost };
  }

  /** Calls the service, every other pod, and the outside by its domain. */
  async function talk(client: RunningPod, pods: readonly RunningPod[], firstPort: number): Promise<void> {
    const { name, node, added, isGhost } = client;
    const src = isGhost ? { src_name: '' } : { src_name: name, src_node: node };
    const connections: { host: string; port: number; server?: string; flow: Made['flow'] }[] = [
      { host: SERVICE, port: 80, server: 'node-b', flow: { dst_name: 'web', dst_node: 'node-b' } },
      ...pods
        .filter((pod) => pod !== client)
        .map((pod) => ({
          ...{ host: pod.ip, port: 8080, server: pod.node },
          flow: { dst_name: pod.name, dst_node: pod.node },
        })),
      { host: OUTSIDE, port: 80, flow: { dst_kind: 'external', dst_name: '', dst_domain: DOMAIN } },
    ];
    await lookUp(added.netns, CLUSTER_DNS, [['resolve4', DOMAIN]]);
    const outcomes = await makeConnections(
      added.netns,
      connections.map(({ host, port }, index) => ({
        ...{ host, port, localPort: firstPort + index },
        ...{ requestBytes: 500 * index, responseBytes: 3000 },
      })),
    );
    expect(outcomes).toEqual(connections.map(() => 'answered'));
    for (const [index, { host, port, server: serverNode, flow }] of connections.entries()) {
      made.push({
        ...{
          client,
          service: host === SERVICE ? 'web' : undefined,
          port: firstPort + index,
          addressed: `${host} ${port}`,
        },
        nodes: serverNode === undefined ? [node] : [node, serverNode],
        flow: { ...src, ...flow },
      });
    }
    made.sort((a, b) => a.port - b.port);
  }

  async function record(pod: RunningPod): Promise<[RunningPod, PacketRecorder]> {
    const netns = lab.nodes.find(({ name }) => name === pod.node)?.netns ?? '';
    const file = path.join(directory, `${pod.name}.pcap`);
    return [pod, await PacketRecorder.start(netns, pod.added.interface, file)];
  }

  async function count(pod: RunningPod, recorder: PacketRecorder): Promise<void> {
    await recorder.stop();
    const counts = await countByTcpdump(recorder.file);
    for (const { client, port, addressed } of made) {
      if (client !== pod) continue;
      const [out, back] = [
        counts.get(`TCP ${pod.ip} ${port} > ${addressed}`),
        counts.get(`TCP ${addressed} > ${pod.ip} ${port}`),
      ];
      if (!out || !back) throw new Error(`tcpdump did not see ${pod.ip} ${port} > ${addressed}`);
      volumes.set(port, { out, in: back });
    }
  }

  function probe(node: string) {
    const networkNamespace = lab.nodes.find(({ name }) => name === node)?.netns ?? '';
    const source = flowprobeSource({
      ...{ program: probeProgram(), interfaces: ['cali*'], windowMs: WINDOW_MS, networkNamespace },
      events: {
        onInterfaces: (watched) =>
          interfaces.set(
            node,
            watched.map(({ name }) => name),
          ),
      },
    });
    return { node, source };
  }
});
