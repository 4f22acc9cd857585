import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { framesOf } from './capture.js';
import { NodeNetwork } from './node-network.js';
import { ACK, FIN, PUSH, segments, SYN } from './segments.js';
import { type ReportedFlow, type Watch, watch } from './watch.js';

const reason = whySkipLive();
const { fromClient, fromServer } = segments(40_000, 80);
const data = Buffer.alloc(100);

describe.skipIf(reason !== undefined)(
  'retransmits of senders without a local socket',
  { timeout: 60_000 },
  () => {
    let node: NodeNetwork;
    beforeAll(async () => {
      node = await NodeNetwork.make('sequences', 2);
    });
    afterAll(async () => {
      await node.remove();
    });

    it('are counted in both directions by their sequence numbers', async () => {
      const flows = await replay(framesOf('tcp-retransmissions.pcap'));
      expect(flows).toMatchObject([
        { server: '198.51.100.20 8080', packetsOut: 5, packetsIn: 3, retransmits: 3 },
      ]);
    });

    it('are SYN, data and FIN that are sent again, but no keepalives and no acknowledgments', async () => {
      const flows = await replay([
        fromClient(SYN, 0xffff_ff00),
        fromClient(SYN, 0xffff_ff00), // again
        fromServer(SYN | ACK, 500),
        fromClient(ACK, 0xffff_ff01),
        fromClient(PUSH | ACK, 0xffff_ff01, Buffer.alloc(300)), // the numbers wrap around
        fromClient(PUSH | ACK, 45, data),
        fromClient(PUSH | ACK, 45, data), // again
        fromServer(ACK, 501),
        fromServer(ACK, 501),
        fromClient(ACK, 144), // a keepalive
        fromClient(ACK, 144, Buffer.alloc(1)), // a keepalive with one byte
        fromClient(FIN | ACK, 145),
        fromClient(FIN | ACK, 145), // again
        fromServer(FIN | ACK, 501),
        fromClient(SYN, 9000), // a new connection on the same ports
        fromServer(SYN | ACK, 100),
      ]);
      expect(flows).toMatchObject([{ server: '10.90.0.2 80', started: 2, retransmits: 3 }]);
    });

    it('are counted if the first copy was in the window before', async () => {
      const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '200');
      await sendIn(probe, [fromClient(PUSH | ACK, 100, data)]);
      await probe.reports(({ packetsOut }) => packetsOut === 1);
      await sendIn(probe, [fromClient(PUSH | ACK, 100, data), fromClient(PUSH | ACK, 200, data)]);
      const { flows } = await probe.stop();
      expect(flows.filter(({ protocol }) => protocol === 6)).toMatchObject([
        { retransmits: 0 },
        { retransmits: 1 },
      ]);
    });

    it('of a socket on this node are counted once', async () => {
      const [client, server] = [node.pod(1), node.pod(2)];
      await node.loadRules(`table ip sonde_test {
      chain forward {
        type filter hook forward priority 0
        tcp dport 8099 tcp flags & (syn | psh) == psh numgen inc mod 2 0 drop
      }
    }`);
      await node.serve(server, 'tcp-server', server.ipv4, '8099');
      const probe = await watch(node.netns, '--interface', 'pod*');
      await node.send(client, 'tcp-clients', server.ipv4, '8099', '1', '100');
      const { flows } = await probe.stop();
      const flow = flows.find(({ protocol }) => protocol === 6);
      expect(flow?.droppedPackets).toBeGreaterThan(0);
      expect(flow?.retransmits).toBe(flow?.droppedPackets);
    });

    async function replay(frames: readonly Buffer[]): Promise<readonly ReportedFlow[]> {
      const probe = await watch(node.netns, '--interface', 'pod*');
      await sendIn(probe, frames);
      const { flows } = await probe.stop();
      return flows.filter(({ protocol }) => protocol === 6);
    }

    /** Sends frames within one window. */
    function sendIn(probe: Watch, frames: readonly Buffer[]): Promise<void> {
      return probe.stalled(() => node.sendFrames(node.pod(1), ...frames));
    }
  },
);
