import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { NodeNetwork } from './node-network.js';
import { ACK, FIN, PUSH, RST, segments, SYN } from './segments.js';
import { type ReportedFlow, watch } from './watch.js';

const reason = whySkipLive();
const data = Buffer.alloc(100);

/** A server whose port is above those of its clients. */
const serverPort = 50_051;

describe.skipIf(reason !== undefined)('the client of a connection', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('orientation', 2);
    await node.inPod(node.pod(1), 'sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40999');
    await node.serve(node.pod(2), 'tcp-talker', node.pod(2).ipv4, String(serverPort), '100000', '50');
  });
  afterAll(async () => {
    await node.remove();
  });

  it('stays the client for packets that follow the end of the connection in a later window', async () => {
    const { fromClient, fromServer } = segments(40_003, serverPort);
    const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '3000');
    await node.sendFrames(
      node.pod(1),
      fromClient(SYN, 100),
      fromServer(SYN | ACK, 500),
      fromClient(ACK, 101),
      fromClient(FIN | ACK, 101),
      fromServer(FIN | ACK, 501),
      fromClient(ACK, 102),
    );
    await probe.reports(({ protocol }) => protocol === 6);
    await node.sendFrames(node.pod(1), fromServer(FIN | ACK, 501), fromClient(RST, 102));
    const { flows } = await probe.stop();
    const records = tcp(flows);
    expect(records).toHaveLength(2);
    for (const record of records) {
      expect(record).toMatchObject({
        server: `10.90.0.2 ${serverPort}`,
        state: 'closed',
        orientation: 'seen',
      });
    }
    expect(records.map(({ started, completed }) => [started, completed])).toEqual([
      [1, 1],
      [0, 0],
    ]);
  });

  it('is guessed by the ports if nothing else tells', async () => {
    const { fromServer } = segments(40_001, serverPort);
    const { flows } = await observe(() => node.sendFrames(node.pod(1), fromServer(PUSH | ACK, 501, data)));
    expect(tcp(flows)).toMatchObject([
      { client: `10.90.0.2 ${serverPort}`, orientation: 'guessed', started: 0 },
    ]);
  });

  it('is the side that does not listen, for connections older than the probe', async () => {
    const { flows } = await observeOlderConnection();
    expect(flows.length).toBeGreaterThan(0);
    for (const flow of flows) {
      expect(flow).toMatchObject({ server: `${node.pod(2).ipv4} ${serverPort}`, orientation: 'socket' });
    }
  });

  it('is the initiator according to conntrack, where it tracks the connection', async () => {
    await node.loadRules(`table ip sonde_track {
      chain prerouting { type nat hook prerouting priority dstnat; ip daddr 10.96.0.40 tcp dport 1 dnat to 10.96.0.41; }
    }`);
    const { flows } = await observeOlderConnection();
    await node.loadRules('delete table ip sonde_track');
    expect(flows.at(-1)).toMatchObject({
      server: `${node.pod(2).ipv4} ${serverPort}`,
      orientation: 'conntrack',
    });
  });

  it('is given with its address and port after source NAT', async () => {
    const server = node.pod(2);
    await node.loadRules(`table ip sonde_snat {
      chain postrouting { type nat hook postrouting priority srcnat; tcp dport 8443 snat to 169.254.1.1:61000-61009; }
    }`);
    await node.serve(server, 'tcp-server', server.ipv4, '8443');
    const { flows } = await observe(() =>
      node.send(node.pod(1), 'tcp-clients', server.ipv4, '8443', '1', '1000'),
    );
    await node.loadRules('delete table ip sonde_snat');
    const records = tcp(flows);
    expect(records).toMatchObject([
      { server: `${server.ipv4} 8443`, service: '::', started: 1, completed: 1, reporter: 'both' },
    ]);
    expect(records[0]?.client).toMatch(`${node.pod(1).ipv4} `);
    expect(records[0]?.clientNat).toMatch(/^169\.254\.1\.1 6100\d$/);
  });

  it('opened the connection as long ago as its age says, whichever window it is in', async () => {
    const { fromClient, fromServer } = segments(40_010, serverPort);
    const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '200');
    await node.sendFrames(
      node.pod(1),
      fromClient(SYN, 100),
      fromServer(SYN | ACK, 500),
      fromClient(ACK, 101),
    );
    await probe.reports(({ started }) => started === 1);
    await node.sendFrames(node.pod(1), fromClient(PUSH | ACK, 101, data));
    await probe.reports(({ bytesOut }) => bytesOut > 100);
    await node.sendFrames(node.pod(1), fromClient(RST, 201));
    const { flows } = await probe.stop();
    const records = tcp(flows);
    const [opening] = records;
    for (const record of records) {
      // Both are exact to a tick of the clock, and rounded to milliseconds.
      const sinceOpening = record.endMs - (opening?.startMs ?? 0);
      expect(Math.abs(record.ageMicros / 1000 - sinceOpening)).toBeLessThanOrEqual(2);
    }
    expect(records.at(-1)?.ageMicros).toBeGreaterThan(opening?.ageMicros ?? Infinity);
    expect(records.map(({ durationMicros }) => durationMicros)).toEqual([0, 0, records.at(-1)?.ageMicros]);
  });

  /** A connection that exists when the probe starts, in which only the server sends. */
  async function observeOlderConnection() {
    const endClient = await node.startClient(
      node.pod(1),
      'tcp-chatter',
      node.pod(2).ipv4,
      String(serverPort),
    );
    const { flows } = await observe(async (probe) => {
      await probe.reports(({ packetsIn, packetsOut }) => packetsIn > 0 && packetsOut > 0);
    });
    endClient();
    return { flows: tcp(flows) };
  }

  async function observe(traffic: (probe: Awaited<ReturnType<typeof watch>>) => Promise<unknown>) {
    const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '1000');
    await traffic(probe);
    return probe.stop();
  }
});

function tcp(flows: readonly ReportedFlow[]): readonly ReportedFlow[] {
  return flows.filter(({ protocol }) => protocol === 6);
}
