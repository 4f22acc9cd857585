import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { framesOf } from './capture.js';
import { bytes, ethernet, icmpError, ipv4, tcp, udp } from './frames.js';
import { NodeNetwork } from './node-network.js';
import { segments, SYN } from './segments.js';
import { watch } from './watch.js';

const reason = whySkipLive();

const client = [10, 90, 0, 1];
const server = [10, 90, 0, 2];

describe.skipIf(reason !== undefined)('events of a connection', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('events', 2);
  });
  afterAll(async () => {
    await node.remove();
  });

  it('are not taken from equal addresses in another network', async () => {
    const other = await NodeNetwork.make('events-other', 1);
    // Nobody has these addresses, so the node drops the packets, on ingress and as packets to another host.
    const datagram = ethernet(0x0800, ipv4(17, client, server, udp(4000, 4001, bytes([], 10))));
    const probe = await watch(node.netns, '--interface', 'pod*');
    await probe.stalled(async () => {
      await node.sendFrames(node.pod(1), datagram);
      await other.sendFrames(other.pod(1), datagram, datagram, datagram);
    });
    const { flows } = await probe.stop();
    await other.remove();
    expect(flows.filter(({ protocol }) => protocol === 17)).toMatchObject([
      { packetsOut: 1, droppedPackets: 1 },
    ]);
  });

  it('include drops in the network namespace of a pod, on arrival and when it sends', async () => {
    await node.loadRulesInPod(
      node.pod(2),
      `table ip sonde_test {
        chain input { type filter hook input priority 0; udp dport 5990 drop; }
        chain output { type filter hook output priority 0; udp sport 5991 drop; }
      }`,
    );
    await node.serve(node.pod(2), 'udp-server', node.pod(2).ipv4, '5991');
    const probe = await watch(node.netns, '--interface', 'pod*');
    for (const port of ['5990', '5991'])
      await node.send(node.pod(1), 'udp-blind', node.pod(2).ipv4, port, '2', '20');
    const { flows } = await probe.stop();
    await node.loadRulesInPod(node.pod(2), 'delete table ip sonde_test');
    for (const port of ['5990', '5991']) {
      expect(flows.find((flow) => flow.server === `${node.pod(2).ipv4} ${port}`)).toMatchObject({
        packetsOut: 2,
        droppedPackets: 2,
      });
    }
  });

  it('start no connection if all packets were dropped before they were counted', async () => {
    await node.loadRules(`table ip sonde_test {
      chain forward { type filter hook forward priority 0; udp dport 5999 drop; }
    }`);
    const probe = await watch(node.netns, '--interface', 'pod1');
    await node.send(node.pod(2), 'udp-blind', node.pod(1).ipv4, '5999', '3', '20');
    const { flows } = await probe.stop();
    await node.loadRules('delete table ip sonde_test');
    expect(flows.filter(({ protocol }) => protocol === 17)).toMatchObject([
      { packetsOut: 0, droppedPackets: 3, started: 0, completed: 0 },
    ]);
  });

  it('start a connection with the first packet that is counted after drops', async () => {
    await node.loadRules(`table ip sonde_test {
      chain forward { type filter hook forward priority 0; udp dport 5998 drop; }
    }`);
    const probe = await watch(node.netns, '--interface', 'pod1', '--window-ms', '200');
    const datagram = ['udp-blind', node.pod(1).ipv4, '5998', '1', '20', '', '40998'] as const;
    await node.send(node.pod(2), ...datagram);
    await probe.reports(({ droppedPackets }) => droppedPackets === 1);
    await node.loadRules('delete table ip sonde_test');
    await node.send(node.pod(2), ...datagram);
    await probe.reports(({ packetsOut, protocol }) => protocol === 17 && packetsOut === 1);
    const { flows } = await probe.stop();
    expect(flows.filter(({ server: end }) => end === `${node.pod(1).ipv4} 5998`)).toMatchObject([
      { started: 0, packetsOut: 0 },
      { started: 1, packetsOut: 1 },
    ]);
  });

  it('do not include the tunnel of an earlier packet of another kind', async () => {
    const datagram = ipv4(17, client, server, udp(4000, 4002, bytes([], 10)));
    const outer = (protocol: number, payload: Buffer) =>
      ethernet(0x0800, ipv4(protocol, [192, 0, 2, 1], [192, 0, 2, 2], payload));
    const vxlan = Buffer.concat([bytes([8, 0, 0, 0, 0, 0, 9, 0]), ethernet(0x0800, datagram)]);
    const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '200');
    await node.sendFrames(node.pod(1), outer(17, udp(40_000, 4789, vxlan)));
    await probe.reports(({ tunnel }) => tunnel === 'vxlan');
    await node.sendFrames(node.pod(1), outer(4, datagram));
    await probe.reports(({ tunnel }) => tunnel === 'ip');
    const { flows } = await probe.stop();
    expect(flows.filter(({ tunnel }) => tunnel !== 'none')).toMatchObject([
      { tunnel: 'vxlan', tunnelId: 9 },
      { tunnel: 'ip', tunnelId: 0 },
    ]);
  });

  it('include an ICMP error that answers the SYN of the same window', async () => {
    const probe = await watch(node.netns, '--interface', 'pod*');
    await probe.stalled(() => node.sendFrames(node.pod(1), ...framesOf('icmp-quoted-syn-refused.pcap')));
    const { flows } = await probe.stop();
    const seen = flows.filter(({ packetsOut }) => packetsOut > 0);
    expect(seen.find(({ protocol }) => protocol === 6)).toMatchObject({
      ...{ client: '192.0.2.10 40000', server: '198.51.100.20 81', state: 'refused' },
      ...{ packetsOut: 1, packetsIn: 0, started: 1, completed: 1 },
    });
    expect(seen.find(({ protocol }) => protocol === 1)).toMatchObject({
      ...{ client: '203.0.113.30', server: '192.0.2.10', icmpType: 3, packetsOut: 1, bytesOut: 56 },
    });
  });

  it.each([
    ['destination unreachable', 3, 1, 'refused'],
    ['time exceeded', 11, 0, 'refused'],
    ['fragmentation needed', 3, 4, 'unanswered'],
  ])('include an ICMP error (%s) in a later window than the SYN', async (_, type, code, state) => {
    const { fromClient } = segments(41_000 + type + code, 82);
    const syn = fromClient(SYN, 77);
    const quoted = ipv4(6, client, server, tcp(41_000 + type + code, 82, SYN, 77));
    const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '200');
    await node.sendFrames(node.pod(1), syn);
    await probe.reports(({ started }) => started === 1);
    await node.sendFrames(
      node.pod(1),
      ethernet(0x0800, ipv4(1, [203, 0, 113, 30], client, icmpError(type, code, quoted))),
    );
    await probe.reports(({ protocol, packetsOut }) => protocol === 1 && packetsOut === 1);
    const { flows } = await probe.stop();
    const last = flows.filter(
      ({ protocol, started, completed }) => protocol === 6 && started + completed > 0,
    );
    expect(last.at(-1)).toMatchObject({ state });
    expect(last.reduce((sum, { started }) => sum + started, 0)).toBe(1);
    expect(last.reduce((sum, { completed }) => sum + completed, 0)).toBe(state === 'refused' ? 1 : 0);
  });

  it('include no connection that only an ICMP error tells about', async () => {
    const quoted = ipv4(6, server, client, tcp(1234, 4321, SYN, 1));
    const probe = await watch(node.netns, '--interface', 'pod*');
    await node.sendFrames(
      node.pod(1),
      ethernet(0x0800, ipv4(1, [203, 0, 113, 30], server, icmpError(3, 1, quoted))),
    );
    const { flows } = await probe.stop();
    expect(flows.filter(({ packetsOut, protocol }) => packetsOut > 0 || protocol === 6)).toMatchObject([
      { protocol: 1, packetsOut: 1 },
    ]);
  });

  it('include the ICMP error of a backend behind a service', async () => {
    const backend = node.pod(2);
    await node.loadRules(`table ip sonde_nat {
      chain prerouting { type nat hook prerouting priority dstnat; ip daddr 10.96.0.30 tcp dport 80 dnat to ${backend.ipv4}:85; }
    }`);
    await node.loadRulesInPod(
      backend,
      `table ip sonde_test {
        chain input { type filter hook input priority 0; tcp dport 85 reject with icmp type admin-prohibited; }
      }`,
    );
    const probe = await watch(node.netns, '--interface', 'pod*');
    await node.send(node.pod(1), 'tcp-try', '10.96.0.30', '80', '300');
    const { flows } = await probe.stop();
    await node.loadRules('delete table ip sonde_nat');
    await node.loadRulesInPod(backend, 'delete table ip sonde_test');
    expect(flows.filter(({ protocol }) => protocol === 6)).toMatchObject([
      { server: `${backend.ipv4} 85`, service: '10.96.0.30 80', state: 'refused', completed: 1 },
    ]);
  });
});
