import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { removeNamespaces } from '@sonde/deploy/lab/command/namespace';
import { run } from '@sonde/deploy/lab/command/run';
import { whySkipLive } from '../e2e/live.js';
import { NodeNetwork, type TestPod } from './node-network.js';
import { type ReportedFlow, watch } from './watch.js';

const reason = whySkipLive();

const PACKETS = 6;

describe.skipIf(reason !== undefined)(
  'a packet that passes several watched interfaces is counted once',
  { timeout: 60_000 },
  () => {
    let node: NodeNetwork;
    let outside: TestPod;
    const outsideNetns = 'sonde-probe-test-once-outside';

    /** A node with two routed pods, an uplink to an outside host, and a bridge with two more pods. */
    beforeAll(async () => {
      node = await NodeNetwork.make('once', 2);
      outside = { netns: outsideNetns, ipv4: '192.0.2.2', ipv6: '2001:db8::2', interfaceName: 'uplink0' };
      const setUp = [
        `netns add ${outsideNetns}`,
        `link add uplink0 netns ${node.netns} type veth peer name eth0 netns ${outsideNetns}`,
        `-n ${node.netns} addr add 192.0.2.1/24 dev uplink0`,
        `-n ${node.netns} link set uplink0 up`,
        `-n ${outsideNetns} addr add 192.0.2.2/24 dev eth0`,
        `-n ${outsideNetns} link set eth0 up`,
        `-n ${outsideNetns} route add default via 192.0.2.1`,
        `-n ${node.netns} link add bridge0 type bridge`,
        `-n ${node.netns} addr add 10.81.0.254/24 dev bridge0`,
        `-n ${node.netns} link set bridge0 up`,
        ...node.pods.flatMap(({ netns }, i) => [
          `link add port${i + 1} netns ${node.netns} type veth peer name eth1 netns ${netns}`,
          `-n ${node.netns} link set port${i + 1} master bridge0 up`,
          `-n ${netns} addr add 10.81.0.${i + 1}/24 dev eth1`,
          `-n ${netns} link set eth1 up`,
        ]),
        `-n ${node.pod(1).netns} route add 192.0.2.0/24 via 10.81.0.254 src 10.81.0.1`,
        // A VXLAN tunnel from the node to the outside host, over the uplink.
        `-n ${node.netns} link add vxlan0 type vxlan id 7 dstport 4789 local 192.0.2.1 remote 192.0.2.2 dev uplink0`,
        `-n ${node.netns} addr add 10.83.0.1/24 dev vxlan0`,
        `-n ${node.netns} link set vxlan0 up`,
        `-n ${outsideNetns} link add vxlan0 type vxlan id 7 dstport 4789 local 192.0.2.2 remote 192.0.2.1 dev eth0`,
        `-n ${outsideNetns} addr add 10.83.0.2/24 dev vxlan0`,
        `-n ${outsideNetns} link set vxlan0 up`,
        ...node.pods.map(({ ipv4 }) => `-n ${outsideNetns} route add ${ipv4} via 10.83.0.1`),
      ];
      for (const command of setUp) await run(['ip', ...command.split(' ')] as ['ip', ...string[]]);
      await node.loadRules(`table ip sonde_service {
      chain prerouting {
        type nat hook prerouting priority dstnat
        ip daddr 10.96.0.20 udp dport 53 dnat to ${node.pod(2).ipv4}:5300
      }
      chain postrouting {
        type nat hook postrouting priority srcnat
        ip saddr ${node.pod(2).ipv4} ip daddr ${node.pod(2).ipv4} masquerade
      }
    }`);
      await node.serve(outside, 'udp-server', '192.0.2.2', '5300');
      await node.serve(outside, 'udp-server', '10.83.0.2', '5300');
      await node.serve(node.pod(2), 'udp-server', node.pod(2).ipv4, '5300');
      await node.serve(node.pod(2), 'udp-server', '10.81.0.2', '5300');
    });
    afterAll(async () => {
      await node.remove();
      await removeNamespaces([outsideNetns]);
    });

    const everything = ['--interface', 'pod*', '--interface', 'port*', '--uplink', 'uplink0'];

    it('between two pods of the node', async () => {
      expect(await exchange(node.pod(1), node.pod(2).ipv4, '5300')).toMatchObject([both('both')]);
    });

    it('between two ports of a bridge', async () => {
      expect(await exchange(node.pod(1), '10.81.0.2', '5300')).toMatchObject([both('both')]);
    });

    it('from a bridge port through the bridge to the uplink, and back', async () => {
      expect(await exchange(node.pod(1), '192.0.2.2', '5300')).toMatchObject([both('src')]);
    });

    it('from outside to a pod', async () => {
      const [flow, ...others] = await exchange(outside, node.pod(2).ipv4, '5300');
      expect(others).toEqual([]);
      expect(flow).toMatchObject({ packetsOut: PACKETS, packetsIn: PACKETS });
    });

    it('as the inner packet, from a pod through a tunnel and back', async () => {
      expect(await exchange(node.pod(1), '10.83.0.2', '5300')).toMatchObject([both('src')]);
    });

    it('as the inner packet, from a tunnel to a pod', async () => {
      expect(await exchange(outside, node.pod(2).ipv4, '5300', '10.83.0.2')).toMatchObject([
        { ...both('dst'), tunnel: 'vxlan', tunnelId: 7, clientTunnelEnd: '192.0.2.2' },
      ]);
    });

    it('across a bridge with one watched port', async () => {
      const flows = await exchange(node.pod(1), '192.0.2.2', '5300', undefined, [
        '--interface',
        'port1',
        '--uplink',
        'uplink0',
      ]);
      expect(flows).toMatchObject([both('src')]);
    });

    it('at the uplink, from an unwatched port of a bridge', async () => {
      const flows = await exchange(node.pod(1), '192.0.2.2', '5300', undefined, [
        '--interface',
        'port2',
        '--uplink',
        'uplink0',
      ]);
      expect(flows).toMatchObject([{ packetsOut: PACKETS, packetsIn: PACKETS }]);
    });

    it('from a pod to itself through a service', async () => {
      const [flow, ...others] = await exchange(node.pod(2), '10.96.0.20', '53');
      expect(others).toEqual([]);
      expect(flow).toMatchObject({
        ...both('both'),
        client: expect.stringContaining(node.pod(2).ipv4) as string,
        server: `${node.pod(2).ipv4} 5300`,
        service: '10.96.0.20 53',
      });
    });

    function both(reporter: string) {
      return { packetsOut: PACKETS, packetsIn: PACKETS, reporter };
    }

    /** UDP flows that the probe reports for datagrams and their responses, without ARP in the tunnel. */
    async function exchange(
      client: TestPod,
      address: string,
      port: string,
      from = '',
      watched = everything,
    ): Promise<readonly ReportedFlow[]> {
      const probe = await watch(node.netns, ...watched);
      await node.send(client, 'udp-client', address, port, String(PACKETS), '100', ...(from ? [from] : []));
      const { flows } = await probe.stop();
      return flows.filter(({ protocol, server }) => protocol === 17 && !server.endsWith(' 4789'));
    }
  },
);
