import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inNamespace } from '@sonde/deploy/lab/command/namespace';
import { run } from '@sonde/deploy/lab/command/run';
import { whySkipLive } from '../e2e/live.js';
import { capture, totalOf } from './capture.js';
import { NodeNetwork } from './node-network.js';
import { type ReportedFlow, watch } from './watch.js';

const reason = whySkipLive();

/** TCP with timestamps over IPv4. */
const HEADERS = 52;

describe.skipIf(reason !== undefined)('flowprobe under load', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('load', 2, { offload: true });
    // IPv6 messages of the kernel could be among the lost packets, which are not counted by protocol.
    for (const netns of [node.netns, ...node.pods.map((pod) => pod.netns)]) {
      await run(inNamespace(netns, ['sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1']));
    }
    await node.serve(node.pod(2), 'tcp-server', node.pod(2).ipv4, '8080');
  });
  afterAll(async () => {
    await node.remove();
  });

  it('accounts for every packet of 20,000 short connections with maps for 64', async () => {
    const [client, server] = [node.pod(1), node.pod(2)];
    await node.serveConnections(server, server.ipv4, '8081');
    // One SYN in 5000 is lost and retransmitted a second later, after hundreds of other connections.
    await node.loadRules(`table ip sonde_test {
      chain forward {
        type filter hook forward priority 0
        tcp dport 8081 tcp flags & (syn | ack) == syn numgen inc mod 5000 0 drop
      }
    }`);
    const captured = await capture(client.netns, 'eth0', { openingsTo: 8081 });
    const small = ['--max-flows', '64', '--ring-bytes', '65536', '--window-ms', '200'];
    const probe = await watch(node.netns, '--interface', 'pod*', ...small);
    await probe.stalled(() => node.openConnections(client, server.ipv4, '8081', 200));
    await Promise.all(
      Array.from({ length: 4 }, () => node.openConnections(client, server.ipv4, '8081', 4950)),
    );
    const { flows, counters } = await probe.stop();
    const { counts, openings } = await captured.stop();
    const lost = (what: string) =>
      (counters.get(`lost_${what}_map_full`) ?? 0) + (counters.get(`lost_${what}_overflow_table_full`) ?? 0);
    const tcp = flows.filter(({ protocol }) => protocol === 6);
    const sum = (count: (flow: ReportedFlow) => number) =>
      tcp.reduce((total, flow) => total + count(flow), 0);
    expect({
      packets: sum((flow) => flow.packetsIn + flow.packetsOut) + lost('packets'),
      bytes: sum((flow) => flow.bytesIn + flow.bytesOut) + lost('bytes'),
    }).toEqual(totalOf(counts, (key) => key.includes(' 8081')));
    expect(counters.get('packets_via_ring_buffer')).toBeGreaterThan(0);
    expect(openings).toBe(20_000);
    // Each connection that is missing was opened by a packet that is counted as lost.
    const started = sum((flow) => flow.started);
    expect(started).toBeLessThanOrEqual(openings);
    expect(started + lost('packets')).toBeGreaterThanOrEqual(openings);
    expect(sum((flow) => flow.completed)).toBeLessThanOrEqual(started);
  }, 90_000);

  it('counts every connection once although ports are reused and SYNs retransmitted', async () => {
    const [client, server] = [node.pod(1), node.pod(2)];
    await node.serveConnections(server, server.ipv4, '8082');
    // Few ports, so that they are reused within a window.
    await node.inPod(client, 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40399');
    await node.loadRules(`table ip sonde_repeat {
      chain forward {
        type filter hook forward priority 0
        tcp dport 8082 tcp flags & (syn | ack) == syn numgen inc mod 500 0 drop
      }
    }`);
    const captured = await capture(client.netns, 'eth0', { openingsTo: 8082 });
    const probe = await watch(
      node.netns,
      '--interface',
      'pod*',
      '--max-flows',
      '16384',
      '--window-ms',
      '200',
    );
    await node.openConnections(client, server.ipv4, '8082', 2000);
    const { flows } = await probe.stop();
    const { openings } = await captured.stop();
    const tcp = flows.filter(({ protocol }) => protocol === 6);
    const sum = (field: 'started' | 'completed') => tcp.reduce((total, flow) => total + flow[field], 0);
    expect({ openings, started: sum('started'), completed: sum('completed') }).toEqual({
      openings: 2000,
      started: 2000,
      completed: 2000,
    });
  });

  it('counts the segments of offloaded packets as on the wire', async () => {
    const [client, server] = [node.pod(1), node.pod(2)];
    const captured = await capture(client.netns, 'eth0');
    const probe = await watch(node.netns, '--interface', 'pod1');
    await node.send(client, 'tcp-clients', server.ipv4, '8080', '1', '20000000');
    const { flows } = await probe.stop();
    const { counts } = await captured.stop();
    const [flow] = flows.filter(({ protocol }) => protocol === 6);
    const seen = counts.get(`TCP ${flow?.client} > ${flow?.server}`) ?? { packets: 0, bytes: 0 };
    // A capture shows large packets with one header each; on the wire every segment has a header.
    const furtherSegments = (flow?.packetsOut ?? 0) - seen.packets;
    expect(furtherSegments).toBeGreaterThan(0);
    expect(flow?.bytesOut).toBe(seen.bytes + furtherSegments * HEADERS);
    expect(flow?.packetsOut).toBeGreaterThanOrEqual(20_000_000 / 1448);
  });
});
