import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { capture, type Captured, totalOf } from './capture.js';
import { NodeNetwork } from './node-network.js';
import { type ReportedFlow, watch } from './watch.js';

const reason = whySkipLive();

describe.skipIf(reason !== undefined)('flow records of a node', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('flows', 3);
    const server = node.pod(2);
    for (const address of [server.ipv4, server.ipv6]) {
      await node.serve(server, 'tcp-server', address, '8080');
      await node.serve(server, 'udp-server', address, '5300');
    }
    await node.serve(server, 'tcp-talker', server.ipv4, '8090', '20', '50');
  });
  afterAll(async () => {
    await node.remove();
  });

  it.each(['ipv4', 'ipv6'] as const)(
    'count a TCP connection over %s exactly, in one record',
    async (family) => {
      const [client, server] = [node.pod(1), node.pod(2)];
      const { flows, counts } = await observe(() =>
        node.send(client, 'tcp-clients', server[family], '8080', '1', '300000'),
      );
      const [flow, ...others] = flows.filter(({ server: end }) => end === `${server[family]} 8080`);
      expect(others).toEqual([]);
      expect(flow).toMatchObject({
        state: 'closed',
        started: 1,
        completed: 1,
        reporter: 'both',
        protocol: 6,
      });
      expect(flow?.client).toMatch(`${client[family]} `);
      expect(flow?.tcpFlags).toBe(0x1b);
      expect(flow?.connectMicros).toBeGreaterThan(0);
      expect(flow?.rttMicros).toBeGreaterThan(0);
      expectSameCounts(flow, counts);
    },
  );

  it.each(['ipv4', 'ipv6'] as const)('count datagrams over %s in both directions', async (family) => {
    const [client, server] = [node.pod(1), node.pod(2)];
    const { flows, counts } = await observe(() =>
      node.send(client, 'udp-client', server[family], '5300', '20', '512'),
    );
    const flow = flows.find(({ server: end }) => end === `${server[family]} 5300`);
    expect(flow).toMatchObject({
      state: 'stateless',
      started: 1,
      packetsOut: 20,
      packetsIn: 20,
      protocol: 17,
    });
    expectSameCounts(flow, counts);
  });

  it.each([
    ['ipv4', 8],
    ['ipv6', 128],
  ] as const)('have the sender of echo requests over %s as the client', async (family, icmpType) => {
    const [client, server] = [node.pod(1), node.pod(2)];
    const { flows, counts } = await observe(() =>
      node.inPod(client, 'ping', '-q', '-c', '3', '-i', '0.1', server[family]),
    );
    const flow = flows.find(({ server: end, icmpType: type }) => end === server[family] && type === icmpType);
    expect(flow).toMatchObject({
      ...{ client: client[family], packetsOut: 3, packetsIn: 3, state: 'stateless' },
      // The kernel drops a copy of each reply that a raw socket received; that is no loss.
      droppedPackets: 0,
    });
    if (family === 'ipv4') expectSameCounts(flow, counts);
  });

  it('have the state refused if the SYN is answered by RST', async () => {
    const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', node.pod(2).ipv4, '81', '2000'));
    const flow = flows.find(({ server }) => server === `${node.pod(2).ipv4} 81`);
    expect(flow).toMatchObject({ state: 'refused', packetsOut: 1, packetsIn: 1, started: 1, completed: 1 });
  });

  it('have the state refused if the SYN is answered by an ICMP error', async () => {
    await node.loadRules(`table inet sonde_test {
      chain forward {
        type filter hook forward priority 0
        tcp dport 84 reject with icmpx type admin-prohibited
      }
    }`);
    for (const address of [node.pod(2).ipv4, node.pod(2).ipv6]) {
      const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', address, '84', '300'));
      const flow = flows.find(({ server }) => server === `${address} 84`);
      expect(flow).toMatchObject({ state: 'refused', packetsOut: 1, packetsIn: 0, completed: 1 });
    }
    await node.loadRules('delete table inet sonde_test');
  });

  it('have the state unanswered if the SYN is not answered', async () => {
    await node.loadRules(
      `table ip sonde_test {\n chain forward {\n type filter hook forward priority 0\n tcp dport 82 drop\n }\n }`,
    );
    const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', node.pod(2).ipv4, '82', '300'));
    await node.loadRules('delete table ip sonde_test');
    const flow = flows.find(({ server }) => server === `${node.pod(2).ipv4} 82`);
    expect(flow).toMatchObject({
      state: 'unanswered',
      packetsOut: 1,
      packetsIn: 0,
      started: 1,
      completed: 0,
    });
  });

  it('keep the client in later windows, in which the server sends first', async () => {
    const server = node.pod(2);
    const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '200');
    await node.send(node.pod(1), 'tcp-chatter', server.ipv4, '8090');
    const { flows } = await probe.stop();
    const parts = flows.filter(({ protocol }) => protocol === 6);
    expect(parts.length).toBeGreaterThan(2);
    expect(new Set(parts.map((flow) => flow.server))).toEqual(new Set([`${server.ipv4} 8090`]));
    expect(sum(parts, 'started')).toBe(1);
    expect(sum(parts, 'completed')).toBe(1);
  });

  describe('of connections to a service', () => {
    beforeAll(async () => {
      const [v4, v6] = [node.pod(2).ipv4, node.pod(2).ipv6];
      await node.loadRules(`table inet sonde_service {
        chain prerouting {
          type nat hook prerouting priority dstnat
          ip daddr 10.96.0.10 tcp dport 80 dnat ip to ${v4}:8080
          ip daddr 10.96.0.10 tcp dport 83 dnat ip to ${v4}:83
          ip daddr 10.96.0.10 udp dport 53 dnat ip to ${v4}:5300
          ip6 daddr fd96::10 tcp dport 80 dnat ip6 to [${v6}]:8080
        }
      }`);
    });
    afterAll(() => node.loadRules('delete table inet sonde_service'));

    it.each([
      ['ipv4', '10.96.0.10'],
      ['ipv6', 'fd96::10'],
    ] as const)(
      'are one record from client to backend with the service address, over %s',
      async (family, vip) => {
        const { flows, counts } = await observe(() =>
          node.send(node.pod(1), 'tcp-clients', vip, '80', '1', '50000'),
        );
        const tcp = flows.filter(({ protocol }) => protocol === 6);
        expect(tcp).toHaveLength(1);
        expect(tcp[0]).toMatchObject({
          server: `${node.pod(2)[family]} 8080`,
          service: `${vip} 80`,
          state: 'closed',
          started: 1,
          completed: 1,
          reporter: 'both',
        });
        expect(tcp[0]?.connectMicros).toBeGreaterThan(0);
        expectSameCounts(tcp[0], counts, `${vip} 80`);
      },
    );

    it('merge the packets before and after NAT of a refused connection', async () => {
      const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', '10.96.0.10', '83', '2000'));
      const tcp = flows.filter(({ protocol }) => protocol === 6);
      expect(tcp).toMatchObject([
        {
          server: `${node.pod(2).ipv4} 83`,
          service: '10.96.0.10 83',
          state: 'refused',
          packetsOut: 1,
          packetsIn: 1,
        },
      ]);
    });

    it('name the backend that refused if only the client is watched', async () => {
      const probe = await watch(node.netns, '--interface', 'pod1');
      await node.send(node.pod(1), 'tcp-try', '10.96.0.10', '83', '2000');
      const { flows } = await probe.stop();
      expect(flows.filter(({ protocol }) => protocol === 6)).toMatchObject([
        { server: `${node.pod(2).ipv4} 83`, service: '10.96.0.10 83', state: 'refused', reporter: 'src' },
      ]);
    });

    it('merge the packets before and after NAT of a datagram and its response', async () => {
      const { flows } = await observe(() =>
        node.send(node.pod(1), 'udp-client', '10.96.0.10', '53', '1', '40'),
      );
      const udp = flows.filter(({ protocol }) => protocol === 17);
      expect(udp).toMatchObject([
        {
          server: `${node.pod(2).ipv4} 5300`,
          service: '10.96.0.10 53',
          packetsOut: 1,
          packetsIn: 1,
          started: 1,
        },
      ]);
    });
  });

  it('and loss counters account for every packet if the maps are too small', async () => {
    const [client, server] = [node.pod(1), node.pod(2)];
    const captured = await capture(client.netns, 'eth0');
    const small = ['--max-flows', '8', '--ring-bytes', '4096', '--window-ms', '100'];
    const probe = await watch(node.netns, '--interface', 'pod*', ...small);
    // More connections than the map holds, while no window ends.
    await probe.stalled(() => node.send(client, 'tcp-clients', server.ipv4, '8080', '30', '2000'));
    await node.send(client, 'tcp-clients', server.ipv4, '8080', '100', '2000');
    const { flows, counters } = await probe.stop();
    const { counts } = await captured.stop();
    const total = totalOf(counts, (key) => key.includes(' 8080'));
    const reported = sum(flows, 'packetsIn') + sum(flows, 'packetsOut');
    const lost =
      (counters.get('lost_packets_map_full') ?? 0) + (counters.get('lost_packets_overflow_table_full') ?? 0);
    expect(counters.get('packets_via_ring_buffer')).toBeGreaterThan(0);
    expect(reported + lost).toBe(total.packets);
  });

  /** Flows that the probe reports for `traffic`, and packets that tcpdump counts on the first pod's interface. */
  async function observe(
    traffic: () => Promise<unknown>,
  ): Promise<{ flows: readonly ReportedFlow[]; counts: Captured['counts'] }> {
    const captured = await capture(node.pod(1).netns, 'eth0');
    const probe = await watch(node.netns, '--interface', 'pod*');
    await traffic();
    const { flows } = await probe.stop();
    const { counts } = await captured.stop();
    return { flows, counts };
  }
});

/** `addressed`: destination of the client's packets, if not the server itself. */
function expectSameCounts(
  flow: ReportedFlow | undefined,
  counts: Captured['counts'],
  addressed = flow?.server,
): void {
  const protocol = { 1: 'ICMP', 6: 'TCP', 17: 'UDP' }[flow?.protocol ?? 0];
  const [client, server] = [flow?.client, addressed].map((end = '') =>
    end.includes(' ') ? end : `${end} 0`,
  );
  expect({ bytes: flow?.bytesOut, packets: flow?.packetsOut }).toEqual(
    counts.get(`${protocol} ${client} > ${server}`),
  );
  expect({ bytes: flow?.bytesIn, packets: flow?.packetsIn }).toEqual(
    counts.get(`${protocol} ${server} > ${client}`),
  );
}

type Counted = 'started' | 'completed' | 'packetsIn' | 'packetsOut';

/** The sum over the TCP flows. */
function sum(flows: readonly ReportedFlow[], field: Counted): number {
  return flows.reduce((total, flow) => total + (flow.protocol === 6 ? flow[field] : 0), 0);
}
