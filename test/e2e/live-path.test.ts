import path from 'node:path';
import type { Embedded } from '@sonde/cli/up/embedded';
import type { Lab, LabPodInterface } from '@sonde/deploy/lab/lab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { type WatchedLab, watchLab } from './embedded-lab.js';
import { whySkipLive } from './live.js';
import { type ConnectionToMake, makeConnections } from './make-connections.js';
import { countByTcpdump, type DirectionCount, PacketRecorder } from './packet-count.js';

const WINDOW_MS = 500;
const nothing: DirectionCount = { packets: 0, bytes: 0 };

/** A connection to be made, and what must become of it. */
interface Planned extends ConnectionToMake {
  readonly what: string;
  readonly from: Pod;
  readonly outcome: 'answered' | 'refused' | 'unanswered';
  /** What the flow must say. */
  readonly flow: Readonly<Record<string, unknown>>;
}

interface Pod extends LabPodInterface {
  readonly node: string;
  readonly nodeNamespace: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** A connection's flows in the store, added up. */
interface StoredConnection {
  readonly packets_out: string;
  readonly bytes_out: string;
  readonly packets_in: string;
  readonly bytes_in: string;
  readonly [field: string]: unknown;
}

describe.skipIf(whySkipLive() !== undefined)('known connections in the lab', () => {
  let watched: WatchedLab;
  let directory: string;
  let lab: Lab;
  let embedded: Embedded;
  let planned: Planned[];
  let outcomes: Map<Planned, string>;
  let counted: Map<Planned, { out: DirectionCount; in: DirectionCount }>;

  beforeAll(async () => {
    watched = await watchLab('e2elive', WINDOW_MS);
    ({ lab, embedded, directory } = watched);
    planned = plan(lab);
    const clients = [...new Set(planned.map(({ from }) => from))];
    const recorders = await Promise.all(
      clients.map((pod) =>
        PacketRecorder.start(pod.nodeNamespace, pod.interface, path.join(directory, `${pod.pod}.pcap`)),
      ),
    );
    const made = await Promise.all(clients.map((pod) => make(planned.filter(({ from }) => from === pod))));
    outcomes = new Map(made.flat());
    await Promise.all(recorders.map((recorder) => recorder.stop()));
    counted = new Map();
    for (const [index, pod] of clients.entries()) {
      const counts = await countByTcpdump(recorders[index]?.file ?? '');
      for (const connection of planned.filter(({ from }) => from === pod)) {
        const [client, server] = [
          `${addressLike(pod, connection.host)} ${connection.localPort}`,
          `${connection.host} ${connection.port}`,
        ];
        counted.set(connection, {
          out: counts.get(`TCP ${client} > ${server}`) ?? nothing,
          in: counts.get(`TCP ${server} > ${client}`) ?? nothing,
        });
      }
    }
  });

  afterAll(async () => {
    await watched.down();
  });

  it('have the outcomes that the lab defines', () => {
    expect([...outcomes].map(([{ what }, outcome]) => `${what}: ${outcome}`)).toEqual(
      planned.map(({ what, outcome }) => `${what}: ${outcome}`),
    );
  });

  it('are stored with exactly the packets and bytes that tcpdump counts on the same interface', async () => {
    const expected = planned.map((connection) => {
      const count = counted.get(connection);
      return { what: connection.what, out: count?.out, in: count?.in };
    });
    expect(expected.filter(({ out }) => out?.packets === 0)).toEqual([]);
    await eventually(async () => {
      const stored = [];
      for (const connection of planned) stored.push(volume(connection, await storedConnection(connection)));
      expect(stored).toEqual(expected);
    });
  });

  it('are attributed to the right pods, workloads, services and outcomes', async () => {
    for (const connection of planned) {
      expect(await storedConnection(connection)).toMatchObject(connection.flow);
    }
  });

  it('are reported as dropped by the node that dropped their packets', async () => {
    const dropped = planned.find(({ localPort }) => localPort === 24_001);
    const rows = await embedded.store.query<{ node: string; drop_reason: string }>(
      `SELECT DISTINCT node, toString(drop_reason) AS drop_reason FROM flows
       WHERE src_port = 24001 AND dropped_packets > 0`,
    );
    expect(rows).toEqual([
      { node: dropped?.from.node === 'node-a' ? 'node-b' : 'node-a', drop_reason: 'NETFILTER_DROP' },
    ]);
  });

  it('are returned by the API', async () => {
    const connection = planned[0];
    if (!connection) throw new Error('nothing planned');
    const filter = `src.ip == "${connection.from.ipv4}" && src.port == ${connection.localPort} && primary`;
    const url = `${embedded.url}/api/v1/flows?filter=${encodeURIComponent(filter)}`;
    const response = await fetch(url);
    expect(response.status).toBe(200);
    const { flows } = (await response.json()) as { flows: Record<string, unknown>[] };
    expect(flows[0]).toMatchObject({ src_name: connection.from.pod, dst_workload: 'microservice1' });
  });

  /** The primary records of a connection, added up over windows. */
  async function storedConnection({ from, host, localPort }: Planned): Promise<StoredConnection | undefined> {
    const sums = ['packets_out', 'bytes_out', 'packets_in', 'bytes_in', 'connections_started'];
    const last = [
      'src_namespace',
      'src_name',
      'src_workload',
      'src_service_account',
      'dst_kind',
      'dst_name',
      'dst_workload',
    ];
    const more = [
      'dst_labels',
      'dst_service_namespace',
      'dst_service',
      'dst_service_port',
      'dst_network_sets',
      'evidence',
      'drop_reason',
      'node',
    ];
    const columns = [
      ...sums.map((name) => `toString(sum(${name})) AS ${name}`),
      ...[...last, ...more].map(
        (name) => `toString(argMaxIf(${name}, end_time, flow.packets_out > 0)) AS ${name}`,
      ),
    ];
    const where = 'primary AND protocol = 6 AND src_ip = toIPv6({ip:String}) AND src_port = {port:UInt16}';
    const rows = await embedded.store.query<StoredConnection>(
      `SELECT ${columns.join(', ')} FROM flows AS flow WHERE ${where} GROUP BY src_port`,
      { ip: addressLike(from, host), port: localPort },
    );
    return rows[0];
  }
});

function volume({ what }: Planned, stored: StoredConnection | undefined) {
  const direction = (packets?: string, bytes?: string) => ({
    packets: Number(packets),
    bytes: Number(bytes),
  });
  return {
    what,
    out: direction(stored?.packets_out, stored?.bytes_out),
    in: direction(stored?.packets_in, stored?.bytes_in),
  };
}

/** The pod's address of the family that the other one is of. */
function addressLike(pod: Pod, other: string): string {
  return other.includes(':') ? pod.ipv6 : pod.ipv4;
}

async function make(connections: readonly Planned[]): Promise<[Planned, string][]> {
  const [first] = connections;
  if (!first) return [];
  const outcomes = await makeConnections(first.from.netns, connections);
  return outcomes.map((outcome, index) => [connections[index] ?? first, outcome]);
}

function plan(lab: Lab): Planned[] {
  const pod = (workload: string, node?: string): Pod => {
    for (const { name, netns, podInterfaces } of lab.nodes) {
      const found = podInterfaces.find(
        (candidate) => candidate.pod.startsWith(workload) && (node ?? name) === name,
      );
      const [ipv4 = '', ipv6 = ''] = found?.addresses ?? [];
      if (found) return { ...found, node: name, nodeNamespace: netns, ipv4, ipv6 };
    }
    throw new Error(`no pod ${workload} on ${node ?? 'any node'}`);
  };
  const [frontend, otherFrontend] = [pod('frontend', 'node-a'), pod('frontend', 'node-b')];
  const [one, two, backend, attacker] = [
    pod('microservice1'),
    pod('microservice2'),
    pod('backend'),
    pod('attacker'),
  ];
  const nearBackend = pod('backend', attacker.node);
  const farBackend = pod('backend', attacker.node === 'node-a' ? 'node-b' : 'node-a');
  const web = (name: string) => ({ src_namespace: 'storefront', src_name: name, src_workload: 'frontend' });
  const delivered = { evidence: 'delivered', connections_started: '1' };

  return [
    ...Array.from({ length: 5 }, (_, index) => ({
      what: `frontend to a service on IPv4, ${index}`,
      from: frontend,
      host: '10.96.10.2',
      port: 80,
      localPort: 20_000 + index,
      requestBytes: 100 * index,
      responseBytes: 5000 * index,
      outcome: 'answered' as const,
      flow: {
        ...web(frontend.pod),
        ...delivered,
        dst_name: one.pod,
        dst_service: 'microservice1',
        dst_service_port: '80',
      },
    })),
    ...Array.from({ length: 3 }, (_, index) => ({
      what: `frontend of the other node to a pod on IPv6, ${index}`,
      from: otherFrontend,
      host: two.ipv6,
      port: 8080,
      localPort: 21_000 + index,
      requestBytes: 2000,
      responseBytes: 100_000,
      outcome: 'answered' as const,
      flow: {
        ...web(otherFrontend.pod),
        ...delivered,
        dst_name: two.pod,
        dst_workload: 'microservice2',
        dst_service: '',
      },
    })),
    {
      what: 'microservice2 to the outside',
      from: two,
      host: lab.external.addresses[0] ?? '',
      port: 80,
      localPort: 22_000,
      requestBytes: 10,
      responseBytes: 10,
      outcome: 'answered',
      flow: {
        ...delivered,
        src_name: two.pod,
        src_service_account: 'microservice2',
        dst_kind: 'network_set',
      },
    },
    {
      what: 'microservice1 to a closed port',
      from: one,
      host: backend.ipv4,
      port: 9100,
      localPort: 23_000,
      outcome: 'refused',
      flow: { src_name: one.pod, dst_name: backend.pod, evidence: 'refused' },
    },
    {
      what: 'attacker to the backend on its node, where nftables drops',
      from: attacker,
      host: nearBackend.ipv4,
      port: 8080,
      localPort: 24_000,
      outcome: 'unanswered',
      flow: {
        src_namespace: 'attacker',
        src_name: attacker.pod,
        dst_name: nearBackend.pod,
        evidence: 'dropped',
        drop_reason: 'NETFILTER_DROP',
      },
    },
    {
      // The client's node does not see what the server's node drops.
      what: 'attacker to the backend on the other node, where nftables drops',
      from: attacker,
      host: farBackend.ipv4,
      port: 8080,
      localPort: 24_001,
      outcome: 'unanswered',
      flow: { src_name: attacker.pod, dst_name: farBackend.pod, evidence: 'unanswered', drop_reason: '' },
    },
  ];
}
