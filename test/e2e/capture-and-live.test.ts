import path from 'node:path';
import { probeProgram } from '@sonde/collector/probe/probe-program';
import { captureSource } from '@sonde/collector/pcap/source';
import { flowprobeSource } from '@sonde/collector/probe/flowprobe';
import type { FlowSource } from '@sonde/collector/source/flow-source';
import { execInNamespace } from '@sonde/deploy/lab/command/namespace';
import { type Lab, upLab } from '@sonde/deploy/lab/lab';
import { contextFromObjects } from '@sonde/enricher/pipeline/context';
import { enrich } from '@sonde/enricher/pipeline/enrich';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { batchOf } from '../builders/batch.js';
import { type FlowRow, flowRow } from '@sonde/model/flow/records';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../eventually.js';
import { whySkipLive } from './live.js';
import { makeConnections } from './make-connections.js';
import { PacketRecorder } from './packet-count.js';

/** Longer than the test, so that each connection is one record on both ways. */
const WINDOW_MS = 120_000;

/** The kernel's coarse clock, which stamps the probe's packets, ticks every 4 ms or less (HZ ≥ 250). */
const CLOCK_TOLERANCE_MS = 10;

describe.skipIf(whySkipLive() !== undefined)(
  'the same packets, observed live and read from a pcap file',
  () => {
    let directory: string;
    let lab: Lab;
    let live: FlowRow[];
    let captured: FlowRow[];

    beforeAll(async () => {
      directory = temporaryDirectory('capture-live');
      lab = await upLab({
        name: 'e2ecapture',
        definition: 'storefront',
        traffic: false,
        offloads: false,
        log: console.warn,
      });
      const node = lab.nodes.find(({ name }) => name === 'node-a');
      const pod = node?.podInterfaces.find(({ pod }) => pod.startsWith('frontend'));
      if (!node || !pod) throw new Error('the lab has no frontend on node-a');

      const index = (
        await execInNamespace(node.netns, ['cat', `/sys/class/net/${pod.interface}/ifindex`])
      ).stdout.trim();
      const cooked = ['-y', 'LINUX_SLL2', `ifindex ${index}`];
      const recorder = await PacketRecorder.start(
        node.netns,
        'any',
        path.join(directory, 'node-a.pcap'),
        ...cooked,
      );
      let isWatching = false;
      const probe = flowprobeSource({
        program: probeProgram(),
        interfaces: [pod.interface],
        windowMs: WINDOW_MS,
        networkNamespace: node.netns,
        events: { onInterfaces: () => (isWatching = true) },
      });
      const reported = flowsOf(probe);
      await eventually(() => expect(isWatching).toBe(true));
      await traffic(pod.netns);
      await recorder.stop();
      probe.stop();
      live = await reported;
      captured = await flowsOf(captureSource({ file: recorder.file, windowMs: WINDOW_MS }));
    });

    afterAll(async () => {
      await lab.down();
    });

    it('produce the same flow records', () => {
      expect(live.length).toBeGreaterThanOrEqual(10);
      expect(live.map(comparable)).toEqual(captured.map(comparable));
    });

    it('produce the same start and end times', () => {
      for (const [index, flow] of live.entries()) {
        const other = captured[index];
        for (const field of ['start_time', 'end_time'] as const) {
          const apart = Math.abs(Date.parse(flow[field]) - Date.parse(other?.[field] ?? ''));
          expect(apart, `${field} of ${flow.src_ip} ${flow.src_port}`).toBeLessThanOrEqual(
            CLOCK_TOLERANCE_MS,
          );
        }
      }
    });
  },
);

/** Every kind of connection that a pod makes: to services and pods, both families, refused, DNS, ICMP. */
async function traffic(netns: string): Promise<void> {
  const request = { requestBytes: 700, responseBytes: 9000 };
  await makeConnections(netns, [
    { host: '10.96.10.2', port: 80, localPort: 31_001, ...request },
    { host: 'fd00:10:96::a:9', port: 80, localPort: 31_002, ...request },
    { host: '10.244.1.12', port: 8080, localPort: 31_003, ...request },
    { host: 'fd00:10:244:2::12', port: 8080, localPort: 31_004, ...request },
    { host: '10.244.1.12', port: 8080, localPort: 31_005, requestBytes: 200_000 },
    { host: '10.96.10.5', port: 9880, localPort: 31_006 },
    { host: '10.244.2.13', port: 5432, localPort: 31_007 },
  ]);
  const lookup = "require('node:dns').promises.Resolver";
  const script = `const r = new (${lookup})(); r.setServers(['10.96.0.10']); r.resolve4('backend.storefront.svc.cluster.local').catch(() => 0)`;
  await execInNamespace(netns, [process.execPath, '-e', script]);
  await execInNamespace(netns, ['ping', '-c', '3', '-i', '0.2', '10.244.1.12']);
  await execInNamespace(netns, ['ping', '-c', '2', '-i', '0.2', 'fd00:10:244:2::12']);
}

async function flowsOf(source: FlowSource): Promise<FlowRow[]> {
  const rows: FlowRow[] = [];
  for await (const { rows: count, columns } of source.windows()) {
    const batch = batchOf({ rows: count, columns });
    const flows = enrich([{ batch, partition: 0, offset: 0 }], contextFromObjects([]).context);
    for (let row = 0; row < count; row++) rows.push(flowRow(flows.columns, row));
  }
  return rows.filter(isNoNeighborDiscovery).sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
}

/** Neighbor discovery (RFC 4861) goes on by itself, so it can fall between the two watchers' beginnings. */
function isNoNeighborDiscovery({ protocol, icmp_type }: FlowRow): boolean {
  return protocol !== 58 || icmp_type < 133 || icmp_type > 137;
}

function keyOf(flow: FlowRow): string {
  const { client, server, protocol, icmp_type } = comparable(flow);
  return [protocol, icmp_type, client, server].join(' ');
}

/**
 * All that both can know. A capture has no conntrack: it sees the service where the probe knows the backend too. It
 * cannot tell that the kernel dropped a packet behind the interface. And round-trip times are measured at other places: at the hook, and where tcpdump stamps packets.
 */
function comparable(flow: FlowRow) {
  const toService = flow.dst_service_port !== 0;
  return {
    protocol: flow.protocol,
    client: `${flow.src_ip} ${flow.src_port}`,
    server: toService ? `${flow.dst_service_ip} ${flow.dst_service_port}` : `${flow.dst_ip} ${flow.dst_port}`,
    icmp_type: flow.icmp_type,
    icmp_code: flow.icmp_code,
    reporter: flow.reporter,
    packets: [flow.packets_out, flow.packets_in],
    bytes: [flow.bytes_out, flow.bytes_in],
    tcp_flags: flow.tcp_flags,
    connection_state: flow.connection_state,
    connections: [flow.connections_started, flow.connections_completed],
    handshakeSeen: flow.connect_us > 0,
  };
}
