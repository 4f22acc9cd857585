import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whySkipLive } from '../e2e/live.js';
import { NodeNetwork } from './node-network.js';
import { ACK, FIN, segments, SYN } from './segments.js';
import { watch } from './watch.js';

const reason = whySkipLive();

const { fromClient, fromServer } = segments(40_000, 80);

describe.skipIf(reason !== undefined)('a TCP connection', { timeout: 60_000 }, () => {
  let node: NodeNetwork;
  beforeAll(async () => {
    node = await NodeNetwork.make('connections', 1);
  });
  afterAll(async () => {
    await node.remove();
  });

  it.each([
    ['the client', 'the server', fromClient, fromServer],
    ['the server', 'the client', fromServer, fromClient],
  ])(
    'closed by %s and, in the next window, by %s counts as completed although its ports are reused at once',
    async (_first, _second, first, second) => {
      const probe = await watch(node.netns, '--interface', 'pod*', '--window-ms', '200');
      // No window ends while the probe is stopped.
      await probe.stalled(() =>
        node.sendFrames(
          node.pod(1),
          fromClient(SYN, 1),
          fromServer(SYN | ACK, 1),
          fromClient(ACK, 2),
          first(FIN | ACK, 2),
        ),
      );
      await probe.reports(({ started }) => started === 1);
      await probe.stalled(() =>
        node.sendFrames(node.pod(1), second(FIN | ACK, 2), first(ACK, 3), fromClient(SYN, 1000)),
      );
      await probe.reports(
        ({ protocol, packetsOut, packetsIn }) => protocol === 6 && packetsOut + packetsIn === 3,
      );
      const { flows } = await probe.stop();
      const tcpFlows = flows.filter(({ protocol }) => protocol === 6);
      expect(tcpFlows.map(({ started, completed }) => ({ started, completed }))).toEqual([
        { started: 1, completed: 0 },
        { started: 1, completed: 1 },
      ]);
    },
  );
});
