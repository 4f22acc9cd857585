import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Broker, type BrokerOptions, startBroker } from '@sonde/deploy/dev/kafka/broker';
import type { BrokerListener } from '@sonde/deploy/dev/kafka/properties';

/** A broker that a test has to itself, on free ports, with its data in a temporary directory. */
export interface TestBroker {
  /** `host:port` of each listener, in the order asked for. */
  readonly addresses: readonly string[];
  /** Where its data lie. */
  readonly directory: string;
  /** Ends it, by SIGKILL if need be at once, and starts it again on its data; `pauseMs` later. */
  restart(signal?: 'SIGTERM' | 'SIGKILL', whileDown?: () => Promise<void>): Promise<void>;
  /** Ends it and removes its data. */
  remove(): Promise<void>;
}

type Settings = Partial<Omit<BrokerOptions, 'directory' | 'controllerPort' | 'listeners' | 'detached'>>;

/** Starts a broker that listens by these protocols; the first must be PLAINTEXT, which the broker itself uses. */
export async function startTestBroker(
  protocols: readonly BrokerListener['protocol'][] = ['PLAINTEXT'],
  settings: Settings = {},
): Promise<TestBroker> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-kafka-'));
  const [controllerPort = 0, ...ports] = await freePorts(protocols.length + 1);
  const listeners = protocols.map((protocol, index) => ({ protocol, port: ports[index] ?? 0 }));
  const options = { ...settings, directory, controllerPort, listeners };
  let broker: Broker;
  try {
    broker = await startBroker(options);
  } catch (error) {
    await rm(directory, { recursive: true });
    throw error;
  }
  return {
    addresses: listeners.map(({ port }) => `127.0.0.1:${port}`),
    directory,
    async restart(signal, whileDown) {
      await broker.stop(signal);
      await whileDown?.();
      broker = await startBroker(options);
    },
    async remove() {
      await broker.stop('SIGKILL');
      await rm(directory, { recursive: true });
    },
  };
}

/** Ports that are free now. They are held until all are found, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve, reject) => {
          server.once('error', reject);
          server.listen(0, '127.0.0.1', () => {
            const address = server.address();
            resolve(typeof address === 'object' && address ? address.port : 0);
          });
        }),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
