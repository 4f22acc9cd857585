import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '@sonde/deploy/lab/command/run';
import { whySkipLive } from '../e2e/live.js';
import { capture, totalOf } from './capture.js';
import { NodeNetwork } from './node-network.js';
import { bytes, ethernet, ipv4, ipv6 } from './frames.js';
import { type ProbeReport, type ReportedFlow, watch } from './watch.js';

const reason = whySkipLive();

describe.skipIf(reason !== undefined)('details in flow records', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('details', 2);
    await node.loadRules(`table ip sonde_test {
      chain forward {
        type filter hook forward priority 0
        tcp dport 82 drop
      }
    }`);
  });
  afterAll(async () => {
    await node.remove();
  });

  it('include packets dropped by netfilter, with the drop reason of the kernel', async () => {
    const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', node.pod(2).ipv4, '82', '300'));
    expect(flowTo(flows, `${node.pod(2).ipv4} 82`)).toMatchObject({
      state: 'unanswered',
      packetsOut: 1,
      droppedPackets: 1,
      droppedBytes: 60,
      dropReason: 'NETFILTER_DROP',
    });
  });

  it.each([
    ['data in the queue of a closed socket', 'QUEUE_PURGE', '8091', ['tcp-clients', '5', '1000']],
    ['the last segment of a connection in TIME-WAIT', 'NOT_SPECIFIED', '8093', ['tcp-last', '100']],
    ['a keepalive', 'TCP_OLD_SEQUENCE', '8092', ['tcp-keeper', '2500']],
  ] as const)('do not count %s as dropped', async (_what, dropReason, port, [sending, ...numbers]) => {
    const [client, server] = [node.pod(1), node.pod(2)];
    const { flows } = await observe(async () => {
      await node.serve(server, 'tcp-sink', server.ipv4, port);
      await node.send(client, sending, server.ipv4, port, ...numbers);
    });
    const seen = flows.filter((flow) => flow.server === `${server.ipv4} ${port}`);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.map((flow) => flow.dropReason)).not.toContain(dropReason);
  });

  it('count segments that a pod retransmits', async () => {
    const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', node.pod(2).ipv4, '82', '1500'));
    expect(flowTo(flows, `${node.pod(2).ipv4} 82`)?.retransmits).toBeGreaterThanOrEqual(1);
  });

  it('name the processes of both sides and their control groups', async () => {
    const server = node.pod(2);
    const { flows } = await observe(async () => {
      await node.serve(server, 'tcp-server', server.ipv4, '8080');
      await node.send(node.pod(1), 'tcp-clients', server.ipv4, '8080', '1', '1000');
    });
    const flow = flowTo(flows, `${server.ipv4} 8080`);
    expect(flow).toMatchObject({ clientProcess: 'node', serverProcess: 'node' });
    expect(flow?.clientCgroup).toBeGreaterThan(0);
  });

  it('name processes whose sockets existed before the probe', async () => {
    const server = node.pod(2);
    await node.serve(server, 'tcp-server', server.ipv6, '8080');
    const { flows } = await observe(() =>
      node.send(node.pod(1), 'tcp-clients', server.ipv6, '8080', '1', '1000'),
    );
    expect(flowTo(flows, `${server.ipv6} 8080`)).toMatchObject({ serverProcess: 'node' });
  });

  it('include the server name of a TLS handshake', async () => {
    const server = node.pod(2);
    const { flows } = await observe(async () => {
      await node.serve(server, 'tcp-sink', server.ipv4, '443');
      await node.send(node.pod(1), 'tls-client', server.ipv4, '443', 'shop.example.org');
    });
    expect(flowTo(flows, `${server.ipv4} 443`)?.tlsServer).toBe('shop.example.org');
  });

  it.each(['udp', 'tcp'])('include DNS transactions over %s with all addresses', async (transport) => {
    const server = node.pod(2);
    const { dns } = await observe(async () => {
      if (transport === 'udp') await node.serve(server, 'dns-server', server.ipv4, '53');
      await node.send(node.pod(1), 'dns-client', server.ipv4, '53', 'Www.Example.org', transport);
    });
    expect(dns).toMatchObject([
      {
        client: node.pod(1).ipv4,
        server: server.ipv4,
        queryName: 'www.example.org',
        queryType: 1,
        answered: true,
        responseCode: 0,
        protocol: transport === 'udp' ? 17 : 6,
        addresses: [
          { address: '192.0.2.7', seconds: 60 },
          { address: '2001:db8::7', seconds: 60 },
        ],
      },
    ]);
    expect(dns[0]?.latencyMicros).toBeGreaterThan(0);
  });

  it.each(['ipv4', 'ipv6'] as const)(
    'count fragments over %s in the flow of the first fragment',
    async (family) => {
      const [client, server] = [node.pod(1), node.pod(2)];
      await node.serve(server, 'udp-server', server[family], '9999');
      const captured = await capture(client.netns, 'eth0');
      const { flows } = await observe(() =>
        node.send(client, 'udp-client', server[family], '9999', '3', '4000'),
      );
      const { counts } = await captured.stop();
      const udp = flows.filter(({ protocol }) => protocol === 17);
      expect(udp).toHaveLength(1);
      // The capture shows fragments separately, most of them without ports.
      const toServer = new RegExp(`^(UDP|Fragment) ${client[family]} \\d+ > ${server[family]} `);
      const { bytes } = totalOf(counts, (key) => toServer.test(key));
      expect(udp[0]).toMatchObject({
        server: `${server[family]} 9999`,
        packetsOut: 9,
        packetsIn: 9,
        bytesOut: bytes,
        bytesIn: bytes,
      });
    },
  );

  it('count the packet inside VXLAN and include the outer addresses', async () => {
    const [client, server] = [node.pod(1), node.pod(2)];
    await run([
      'ip',
      '-n',
      client.netns,
      ...`link add vx0 type vxlan id 42 dstport 4789 local ${client.ipv4} remote ${server.ipv4}`.split(' '),
    ]);
    await run(['ip', '-n', client.netns, ...'addr add 10.79.0.1/24 dev vx0'.split(' ')]);
    await run(['ip', '-n', client.netns, ...'link set vx0 up'.split(' ')]);
    await run([
      'ip',
      '-n',
      client.netns,
      ...'neigh add 10.79.0.2 lladdr 02:00:00:00:00:02 dev vx0'.split(' '),
    ]);
    const { flows } = await observe(() => node.send(client, 'udp-blind', '10.79.0.2', '7000', '4', '100'));
    expect(flowTo(flows, '10.79.0.2 7000')).toMatchObject({
      packetsOut: 4,
      bytesOut: 4 * 128,
      tunnel: 'vxlan',
      tunnelId: 42,
      clientTunnelEnd: client.ipv4,
    });
  });

  it.each(Object.entries(wrappedDatagrams()))(
    'count the datagram behind %s',
    async (_, { frame, expected }) => {
      const client = node.pod(1);
      const { flows } = await observe(() => node.sendFrames(client, frame));
      expect(flowTo(flows, expected.server)).toMatchObject({ packetsOut: 1, ...expected });
    },
  );

  async function observe(traffic: () => Promise<unknown>): Promise<ProbeReport> {
    const probe = await watch(node.netns, '--interface', 'pod*');
    await traffic();
    return probe.stop();
  }
});

function flowTo(flows: readonly ReportedFlow[], server: string): ReportedFlow | undefined {
  return flows.find((flow) => flow.server === server);
}

/** A datagram of 10 bytes from 10.90.0.1:4000 to 10.90.0.2:4001 (IPv6: fd90::1 to fd90::2) behind various headers. */
function wrappedDatagrams() {
  const server = '10.90.0.2 4001';
  const udp = bytes([0x0f, 0xa0, 0x0f, 0xa1, 0, 18, 0, 0], 10);
  const datagram = ipv4(17, [10, 90, 0, 1], [10, 90, 0, 2], udp);
  const outer = (protocol: number, payload: Buffer) =>
    ethernet(0x0800, ipv4(protocol, [192, 0, 2, 1], [192, 0, 2, 2], payload));
  const geneve = bytes([0x20, 0, 0x17, 0xc1, 0, 0, 0, 0, 1, 0, 0x65, 0x58, 0, 0, 43, 0, 1, 2, 3, 4]);
  const ends = { server, bytesOut: 38, clientTunnelEnd: '192.0.2.1' };
  return {
    'a VLAN tag': {
      frame: ethernet(0x8100, bytes([0, 7, 8, 0]), datagram),
      expected: { server, vlan: 7, bytesOut: 38 },
    },
    'two VLAN tags': {
      frame: ethernet(0x88a8, bytes([0, 8, 0x81, 0, 0, 9, 8, 0]), datagram),
      expected: { server, vlan: 8, bytesOut: 38 },
    },
    'IPv4 options': {
      frame: ethernet(0x0800, ipv4(17, [10, 90, 0, 1], [10, 90, 0, 2], udp, bytes([1, 1, 1, 0]))),
      expected: { server, bytesOut: 42 },
    },
    'IP in IP': { frame: outer(4, datagram), expected: { ...ends, tunnel: 'ip' } },
    'Geneve with an option': {
      frame: outer(17, Buffer.concat([geneve, ethernet(0x0800, datagram)])),
      expected: { ...ends, tunnel: 'geneve', tunnelId: 43 },
    },
    'IPv6 extension headers': {
      frame: ethernet(0x86dd, ipv6(0, bytes([60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0]), udp)),
      expected: { server: 'fd90::2 4001', bytesOut: 40 + 16 + 18 },
    },
  };
}
