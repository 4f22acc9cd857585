import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { framesOf } from './capture.js';
import { bytes, ethernet, ipv4, padded, udp } from './frames.js';
import { NodeNetwork } from './node-network.js';
import { ACK, PUSH, segments, SYN } from './segments.js';
import { type ProbeReport, watch } from './watch.js';

const reason = whySkipLive();

describe.skipIf(reason !== undefined)('Ethernet padding behind a packet', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('ends', 1);
  });
  afterAll(async () => {
    await node.remove();
  });

  it('is not payload: the TLS server name is read after a padded ACK', async () => {
    const { flows } = await replay(...framesOf('tls-sni.pcap'));
    expect(flows.filter(({ protocol }) => protocol === 6)).toMatchObject([
      {
        client: '192.0.2.10 40000',
        server: '198.51.100.20 443',
        tlsServer: 'shop.example.com',
        packetsOut: 5,
        packetsIn: 3,
      },
    ]);
  });

  it('is not part of DNS messages over TCP', async () => {
    const { fromClient, fromServer } = segments(40_053, 53);
    const query = bytes([0, 19, 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0x61, 0, 0, 1, 0, 1]);
    const response = Buffer.from(query);
    response.writeUInt8(0x81, 4);
    const { dns, counters } = await replay(
      fromClient(SYN, 100),
      fromServer(SYN | ACK, 500),
      fromClient(ACK, 101),
      // In two segments, of which the first is shorter than the smallest frame.
      fromClient(PUSH | ACK, 101, query.subarray(0, 5)),
      fromServer(ACK, 501),
      fromClient(PUSH | ACK, 106, query.subarray(5)),
      fromServer(PUSH | ACK, 501, response),
    );
    expect(dns).toMatchObject([{ queryName: 'a', answered: true, protocol: 6 }]);
    // The query was read too.
    expect(dns[0]?.latencyMicros).toBeGreaterThan(0);
    expect(counters.get('dns_messages_malformed')).toBe(0);
  });

  it('is not counted behind a VLAN tag in the frame or in a tunnel', async () => {
    const datagram = ipv4(17, [10, 90, 0, 1], [10, 90, 0, 2], udp(4000, 4001, bytes([1, 2, 3])));
    const vxlan = udp(
      40_000,
      4789,
      Buffer.concat([bytes([8, 0, 0, 0, 0, 0, 9, 0]), padded(ethernet(0x0800, datagram))]),
    );
    const { flows } = await replay(
      padded(ethernet(0x8100, bytes([0, 7, 8, 0]), datagram, bytes([], 20))),
      ethernet(0x0800, ipv4(17, [192, 0, 2, 1], [192, 0, 2, 2], vxlan)),
    );
    expect(flows.filter(({ packetsOut }) => packetsOut > 0)).toMatchObject([
      { server: '10.90.0.2 4001', packetsOut: 2, bytesOut: 2 * 31 },
    ]);
  });

  async function replay(...frames: readonly Buffer[]): Promise<ProbeReport> {
    const probe = await watch(node.netns, '--interface', 'pod*');
    await node.sendFrames(node.pod(1), ...frames);
    return probe.stop();
  }
});
