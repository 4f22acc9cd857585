import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { KafkaUnavailableError, kafkaClassPath, runKafkaTool, smallJvm } from './install.js';
import { type BrokerSettings, brokerProperties, clientListener } from './properties.js';

export interface BrokerOptions extends BrokerSettings {
  /** The directory of the broker's settings, log and data. Created if necessary; kept when the broker stops. */
  readonly directory: string;
  /** Let the broker outlive this process. */
  readonly detached?: boolean;
}

/** A running Apache Kafka broker (KRaft: its own controller) on loopback. */
export interface Broker {
  readonly pid: number;
  /** `host:port` for clients without TLS and authentication. */
  readonly address: string;
  /** Stops the broker and resolves after its exit. SIGKILL simulates a crash. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Maximum time until the broker responds, on a busy machine. */
const MAX_START_MS = 240_000;

/**
 * Starts a broker, on the data that its directory has or on newly formatted storage, and resolves when it serves.
 * @throws KafkaUnavailableError if it cannot be installed or does not come up; the message has the end of its log.
 */
export async function startBroker(options: BrokerOptions): Promise<Broker> {
  const { directory } = options;
  const data = path.join(directory, 'data');
  const properties = path.join(directory, 'server.properties');
  await mkdir(directory, { recursive: true });
  await writeFile(properties, brokerProperties(options, data));
  if (!existsSync(path.join(data, 'meta.properties'))) await formatStorage(properties, options);

  const logFile = path.join(directory, 'broker.log');
  const log = await open(logFile, 'w');
  const java = [...smallJvm, '-cp', await kafkaClassPath(), 'kafka.Kafka', properties];
  const broker = spawn('java', java, {
    stdio: ['ignore', log.fd, log.fd],
    detached: options.detached ?? false,
  });
  await log.close();
  await untilServing(broker, logFile);
  if (options.detached) broker.unref();
  const pid = broker.pid ?? 0;
  return {
    pid,
    address: `127.0.0.1:${clientListener(options).port}`,
    stop: async (signal = 'SIGTERM') => {
      if (broker.exitCode !== null || broker.signalCode !== null) return;
      const gone = new Promise((resolve) => broker.once('exit', resolve));
      broker.kill(signal);
      await gone;
    },
  };
}

async function formatStorage(properties: string, { scramUsers = {} }: BrokerOptions): Promise<void> {
  const users = Object.entries(scramUsers).flatMap(([name, password]) => [
    '--add-scram',
    `SCRAM-SHA-512=[name=${name},password=${password}]`,
  ]);
  // Any cluster id does, in Kafka's form: 16 bytes as URL-safe base64.
  const clusterId = 'c29uZGUtZGV2ZWxvcG1lbg';
  await runKafkaTool('kafka.tools.StorageTool', [
    ...['format', '--standalone', '--cluster-id', clusterId, '--config', properties],
    ...users,
  ]);
}

/** Its own log says when it serves: before that, connections are accepted but not answered. */
async function untilServing(broker: ChildProcess, logFile: string): Promise<void> {
  const deadline = Date.now() + MAX_START_MS;
  let failure: Error | undefined;
  broker.once('error', (error) => (failure = error));
  for (;;) {
    const log = await readFile(logFile, 'utf8');
    if (log.includes('Kafka Server started')) return;
    const ended = failure !== undefined || broker.exitCode !== null || broker.signalCode !== null;
    if (ended || Date.now() > deadline) {
      broker.kill('SIGKILL');
      const reason = failure?.message ?? (ended ? 'it ended' : 'it did not come up in time');
      throw new KafkaUnavailableError(`no development broker: ${reason}\n${log.slice(-2000)}`);
    }
    await delay(50);
  }
}
