import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { capture, type Captured } from './capture.js';
import { NodeNetwork } from './node-network.js';
import { type ReportedFlow, watch } from './watch.js';

const reason = whySkipLive() ?? whyNoIperf();

/** Header bytes of IPv4 with TCP and its timestamp option, and with UDP. */
const HEADERS = { TCP: 20 + 32, UDP: 20 + 8 };

describe.skipIf(reason !== undefined).each(['on', 'off'])(
  'bulk traffic with segmentation offload %s',
  (offload) => {
    let node: NodeNetwork;
    beforeAll(async () => {
      node = await NodeNetwork.make(`accuracy-${offload}`, 2, { offload: offload === 'on' });
      await node.run(node.pod(2), 'iperf3', '-s', '--forceflush', '-B', node.pod(2).ipv4);
    });
    afterAll(async () => {
      await node.remove();
    });

    it.each([
      ['TCP', ['-n', '20M', '-P', '3']],
      ['TCP', ['-n', '5M', '--reverse']],
      ['UDP', ['-u', '-b', '200M', '-n', '5M', '-l', '1400']],
    ] as const)(
      'over %s has the packets and bytes that tcpdump counts, with iperf3 %j',
      async (protocol, options) => {
        const captured = await capture(node.pod(1).netns, 'eth0');
        const probe = await watch(node.netns, '--interface', 'pod1');
        await node.inPod(node.pod(1), 'iperf3', '-c', node.pod(2).ipv4, ...options);
        await node.untilClosed(node.pod(1));
        await node.untilClosed(node.pod(2));
        const { flows, counters } = await probe.stop();
        const { counts } = await captured.stop();
        const bulk = flows.filter((flow) => flow.protocol === (protocol === 'TCP' ? 6 : 17));
        expect(counters.get('lost_packets_map_full')).toBe(0);
        expect(bulk.length).toBeGreaterThan(0);
        for (const flow of bulk) {
          const { client, server } = flow;
          expectSame(countsOf(flow, 'Out'), counts, `${protocol} ${client} > ${server}`);
          expectSame(countsOf(flow, 'In'), counts, `${protocol} ${server} > ${client}`);
        }

        /**
         * Without offload the counts are equal. With offload a capture shows several segments as one packet with one
         * header, while the probe counts each segment with its own header.
         */
        function expectSame(counted: PacketsAndBytes, counts: Captured['counts'], key: string) {
          const seen = counts.get(key) ?? { packets: 0, bytes: 0 };
          const furtherSegments = offload === 'on' ? counted.packets - seen.packets : 0;
          expect(furtherSegments).toBeGreaterThanOrEqual(0);
          expect(counted).toEqual({
            packets: seen.packets + furtherSegments,
            bytes: seen.bytes + furtherSegments * HEADERS[protocol],
          });
        }
      },
      60_000,
    );
  },
);

interface PacketsAndBytes {
  readonly packets: number;
  readonly bytes: number;
}

function countsOf(flow: ReportedFlow, direction: 'In' | 'Out'): PacketsAndBytes {
  return { packets: flow[`packets${direction}`], bytes: flow[`bytes${direction}`] };
}

function whyNoIperf(): string | undefined {
  if (!spawnSync('iperf3', ['--version']).error) return undefined;
  const missing = 'iperf3 is missing: run "apt-get install iperf3".';
  console.warn(`skipped: ${missing}`);
  return missing;
}
