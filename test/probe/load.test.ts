import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capture } from './capture.js';
import { NodeNetwork } from './node-network.js';
import { watch, whyNoProbe } from './watch.js';

const reason = whyNoProbe();
if (reason !== undefined) console.warn(`The probe's tests are skipped: ${reason}`);

/** TCP with timestamps over IPv4. */
const HEADERS = 52;

describe.skipIf(reason !== undefined)('flowprobe under load', () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('load', 2, { offload: true });
    await node.serve(node.pod(2), 'tcp-server', node.pod(2).ipv4, '8080');
  });
  afterAll(async () => {
    await node.remove();
  });

  it('accounts for every packet of 20,000 short connections with maps for 64', async () => {
    const [client, server] = [node.pod(1), node.pod(2)];
    const captured = await capture(client.netns, 'eth0');
    const small = ['--max-flows', '64', '--ring-bytes', '65536', '--window-ms', '200'];
    const probe = await watch(node.netns, '--interface', 'pod*', ...small);
    // One after the other in each of four clients, as fast as they go.
    await Promise.all(
      Array.from({ length: 4 }, () => node.send(client, 'tcp-clients', server.ipv4, '8080', '5000', '10')),
    );
    const { flows, counters } = await probe.stop();
    const counts = await captured.stop();
    const total = { packets: 0, bytes: 0 };
    for (const [key, { packets, bytes }] of counts) {
      if (!key.includes(' 8080')) continue;
      total.packets += packets;
      total.bytes += bytes;
    }
    const lost = (what: string) =>
      (counters.get(`lost_${what}_map_full`) ?? 0) + (counters.get(`lost_${what}_overflow_full`) ?? 0);
    const accounted = { packets: lost('packets'), bytes: lost('bytes') };
    for (const flow of flows.filter(({ protocol }) => protocol === 6)) {
      accounted.packets += flow.packetsIn + flow.packetsOut;
      accounted.bytes += flow.bytesIn + flow.bytesOut;
    }
    expect(accounted).toEqual(total);
    expect(counters.get('packets_map_full_fallback')).toBeGreaterThan(0);
    if (lost('packets') === 0) {
      expect(flows.reduce((sum, { started }) => sum + started, 0)).toBe(20_000);
      expect(flows.reduce((sum, { completed }) => sum + completed, 0)).toBe(20_000);
    }
  }, 90_000);

  it('counts the segments that offloaded packets become on the wire', async () => {
    const [client, server] = [node.pod(1), node.pod(2)];
    const captured = await capture(client.netns, 'eth0');
    const probe = await watch(node.netns, '--interface', 'pod1');
    await node.send(client, 'tcp-clients', server.ipv4, '8080', '1', '20000000');
    const { flows } = await probe.stop();
    const counts = await captured.stop();
    const [flow] = flows.filter(({ protocol }) => protocol === 6);
    const seen = counts.get(`${flow?.client} > ${flow?.server}`) ?? { packets: 0, bytes: 0 };
    // A capture shows large packets with one header each; every further segment of the wire adds one.
    const furtherSegments = (flow?.packetsOut ?? 0) - seen.packets;
    expect(furtherSegments).toBeGreaterThan(0);
    expect(flow?.bytesOut).toBe(seen.bytes + furtherSegments * HEADERS);
    expect(flow?.packetsOut).toBeGreaterThanOrEqual(20_000_000 / 1448);
  });
});
