import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { kafkaClient } from '@sonde/backbone/transport/kafka/connection';
import { type Broker, type BrokerOptions, startBroker } from '@sonde/deploy/dev/kafka/broker';
import type { BrokerListener } from '@sonde/deploy/dev/kafka/properties';
import { eventually } from '../eventually.js';

/** A Kafka for a test. */
export interface TestKafka {
  /** `host:port` of each listener, in the given order. */
  readonly addresses: readonly string[];
  /** A unique prefix, for `KafkaConnection.prefix` and names of groups. */
  readonly prefix: string;
  /** Ends it with a signal and restarts it on its data. Absent if it is not the test's own broker. */
  restart?(signal?: 'SIGTERM' | 'SIGKILL', whileDown?: () => Promise<void>): Promise<void>;
  /** Removes everything with the prefix, and the broker if it is the test's own. */
  remove(): Promise<void>;
}

/** A test's own broker, on free ports, with its data in a temporary directory. */
export type TestBroker = Required<TestKafka> & { readonly directory: string };

/** The brokers of KAFKA_BROKERS; tests that end a broker are skipped if it is set. */
export const givenBrokers = process.env['KAFKA_BROKERS']?.split(',');

if (givenBrokers) console.log('KAFKA_BROKERS is given: tests that must end a broker are skipped');

/** The Kafka of KAFKA_BROKERS if it is set, else the test's own broker. */
export async function useTestKafka(): Promise<TestKafka> {
  if (!givenBrokers) return await startTestBroker();
  const prefix = newPrefix();
  return { addresses: givenBrokers, prefix, remove: () => removeAll(givenBrokers, prefix) };
}

function newPrefix(): string {
  return `sonde-test-${randomUUID()}.`;
}

/** Longer than any session of these tests. */
const SESSION_MS = 60_000;

async function removeAll(brokers: readonly string[], prefix: string): Promise<void> {
  const admin = kafkaClient({ brokers, clientId: 'test' }, createLogger('test', 'silent')).admin();
  await admin.connect();
  try {
    const topics = await admin.listTopics();
    await admin.deleteTopics({ topics: topics.filter((topic) => topic.startsWith(prefix)) });
    // Killed members stay in their groups until their sessions end.
    await eventually(async () => {
      const groups = (await admin.listGroups()).groups.map(({ groupId }) => groupId);
      await admin.deleteGroups(groups.filter((group) => group.startsWith(prefix)));
    }, SESSION_MS);
  } finally {
    await admin.disconnect();
  }
}

type Settings = Partial<Omit<BrokerOptions, 'directory' | 'controllerPort' | 'listeners' | 'detached'>>;

type Listening = BrokerListener['protocol'] | Omit<BrokerListener, 'port'>;

/** Starts a broker with listeners of these protocols; the first must be PLAINTEXT, which the broker itself uses. */
export async function startTestBroker(
  wanted: readonly Listening[] = ['PLAINTEXT'],
  settings: Settings = {},
): Promise<TestBroker> {
  const directory = await mkdtemp(path.join(tmpdir(), 'sonde-kafka-'));
  const [controllerPort = 0, ...ports] = await freePorts(wanted.length + 1);
  const listeners = wanted.map((listening, index) => ({
    ...(typeof listening === 'string' ? { protocol: listening } : listening),
    port: ports[index] ?? 0,
  }));
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
    prefix: newPrefix(),
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

/** Free ports. They are held until all are found, so that they differ. */
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
