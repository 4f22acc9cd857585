import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '@sonde/deploy/lab/command/run';
import { capture } from './capture.js';
import { NodeNetwork } from './node-network.js';
import { type ProbeReport, type ReportedFlow, watch, whyNoProbe } from './watch.js';

const reason = whyNoProbe();
if (reason !== undefined) console.warn(`The probe's tests are skipped: ${reason}`);

describe.skipIf(reason !== undefined)('what flowprobe tells beyond counts', () => {
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

  it("joins what netfilter drops with its flow, under the kernel's name of the reason", async () => {
    const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', node.pod(2).ipv4, '82', '300'));
    expect(flowTo(flows, `${node.pod(2).ipv4} 82`)).toMatchObject({
      state: 'unanswered',
      packetsOut: 1,
      droppedPackets: 1,
      droppedBytes: 60,
      dropReason: 'NETFILTER_DROP',
    });
  });

  it('counts segments that a pod sends again', async () => {
    const { flows } = await observe(() => node.send(node.pod(1), 'tcp-try', node.pod(2).ipv4, '82', '1500'));
    expect(flowTo(flows, `${node.pod(2).ipv4} 82`)?.retransmits).toBeGreaterThanOrEqual(1);
  });

  it('names the processes at both ends and their control groups', async () => {
    const server = node.pod(2);
    const { flows } = await observe(async () => {
      await node.serve(server, 'tcp-server', server.ipv4, '8080');
      await node.send(node.pod(1), 'tcp-clients', server.ipv4, '8080', '1', '1000');
    });
    const flow = flowTo(flows, `${server.ipv4} 8080`);
    expect(flow).toMatchObject({ clientProcess: 'node', serverProcess: 'node' });
    expect(flow?.clientCgroup).toBeGreaterThan(0);
  });

  it('reads the server name of a TLS handshake', async () => {
    const server = node.pod(2);
    const { flows } = await observe(async () => {
      await node.serve(server, 'tcp-sink', server.ipv4, '443');
      await node.send(node.pod(1), 'tls-client', server.ipv4, '443', 'shop.example.org');
    });
    expect(flowTo(flows, `${server.ipv4} 443`)?.tlsServer).toBe('shop.example.org');
  });

  it.each(['udp', 'tcp'])('reports DNS transactions over %s with all addresses', async (transport) => {
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

  it.each(['ipv4', 'ipv6'] as const)('counts fragments over %s to the flow of the first', async (family) => {
    const [client, server] = [node.pod(1), node.pod(2)];
    await node.serve(server, 'udp-server', server[family], '9999');
    const captured = await capture(client.netns, 'eth0');
    const { flows } = await observe(() =>
      node.send(client, 'udp-client', server[family], '9999', '3', '4000'),
    );
    const counts = await captured.stop();
    const udp = flows.filter(({ protocol }) => protocol === 17);
    expect(udp).toHaveLength(1);
    // The capture shows later fragments apart, without ports.
    const sent = [...counts].filter(([key]) =>
      new RegExp(`^${client[family]}( \\d+)? > ${server[family]}`).test(key),
    );
    const bytes = sent.reduce((sum, [, count]) => sum + count.bytes, 0);
    expect(udp[0]).toMatchObject({
      server: `${server[family]} 9999`,
      packetsOut: 9,
      packetsIn: 9,
      bytesOut: bytes,
      bytesIn: bytes,
    });
  });

  it('counts the packet inside VXLAN, and keeps the outer addresses', async () => {
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

  async function observe(traffic: () => Promise<unknown>): Promise<ProbeReport> {
    const probe = await watch(node.netns, '--interface', 'pod*');
    await traffic();
    return probe.stop();
  }
});

function flowTo(flows: readonly ReportedFlow[], server: string): ReportedFlow | undefined {
  return flows.find((flow) => flow.server === server);
}
