import { hostname } from 'node:os';
import path from 'node:path';
import { ConfigurationError } from '@sonde/backbone/configuration/problem';
import { parseDuration } from '@sonde/backbone/configuration/quantity';
import { createLogger } from '@sonde/backbone/logging';
import { nextShutdownSignal } from '@sonde/backbone/service/signals';
import { flowRow } from '@sonde/model/flow/records';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createFlowPrinter, type FlowPrinter } from '../flow-table/printer.js';
import {
  CLUSTER_OPTIONS,
  type ClusterChoice,
  ClusterChoiceError,
  ClusterChoices,
  DEFAULT_LAB,
} from './cluster-choices.js';
import { type Elsewhere, type ElsewhereOptions, readElsewhere } from './elsewhere.js';
import { type EmbeddedCluster, startEmbedded } from './embedded.js';
import { prepareTraffic, type Traffic, type TrafficOptions } from './traffic.js';

const DEFAULT_CLUSTER = 'lab';

interface UpOptions extends ElsewhereOptions {
  readonly data: string;
  readonly node: string;
  /** In ms. */
  readonly window: number;
  /** In ms. */
  readonly identityTimeout: number;
  /** In ms. */
  readonly identityRetention: number;
  readonly host: string;
  readonly port: number;
  readonly table: boolean;
  readonly logLevel: string;
}

/** `sonde up`: every service in one process, on live traffic or on capture files. */
export function upCommand(): Command {
  const clusters = new ClusterChoices();
  const command = new Command('up')
    .description('Run every service in one process, watch traffic and print its flows')
    .addOption(
      new Option(
        '--lab [definition]',
        `create a lab cluster on this machine and watch it (default definition: ${DEFAULT_LAB})`,
      ),
    )
    .option(
      '--pcap <file>',
      'read flows from a pcap or pcapng file, also gzipped, or from standard input (-); one per node; repeatable',
    )
    .option('--interface <name>', 'watch an interface or the interfaces that match a pattern; repeatable')
    .option('--manifests <path>', 'file or folder of Kubernetes manifests of the cluster; repeatable')
    .option(
      '--kubeconfig [file]',
      "watch the cluster of a kubeconfig (default file: KUBECONFIG, ~/.kube/config or the pod's service account)",
    )
    .option(
      '--cluster <name>',
      `name of the cluster in every flow (default: "${DEFAULT_CLUSTER}"); if repeated, each is followed by its own options from above`,
    )
    .option('--data <directory>', 'data directory', '.sonde')
    .option(
      '--kafka <brokers>',
      'send flows through Kafka (host:port,…); set other Kafka settings as SONDE_KAFKA_…',
    )
    .option(
      '--clickhouse <urls>',
      'store flows in ClickHouse (http://host:port,…); set other ClickHouse settings as SONDE_CLICKHOUSE_…',
    )
    .option('--node <name>', 'name of this node, for --interface', hostname())
    .addOption(
      new Option('--window <duration>', 'interval at which flows are reported')
        .argParser(duration('100ms', '5m'))
        .default(2_000, '2s'),
    )
    .addOption(
      new Option(
        '--identity-timeout <duration>',
        'how long flows wait for pods that the API server has not reported yet',
      )
        .argParser(duration('0s', '1m'))
        .default(5_000, '5s'),
    )
    .addOption(
      new Option('--identity-retention <duration>', 'how long deleted pods stay known for late flows')
        .argParser(duration('1m', '24h'))
        .default(3_600_000, '1h'),
    )
    .option('--host <address>', 'listen address of the API', '127.0.0.1')
    .option('--port <number>', 'listen port of the API; 0 picks a free port', port, 4180)
    .option('--no-table', 'do not print flows')
    .option('--log-level <level>', 'log level: debug, info, warn, error or silent', 'warn')
    .action((options: UpOptions) =>
      up(options, chosen(clusters, options, command), chosenElsewhere(options, command)),
    );
  // Listens to events because the order decides which cluster an option belongs to.
  for (const option of CLUSTER_OPTIONS) {
    command.on(`option:${option}`, (value: string | null) => clusters.take(option, value));
  }
  return command;
}

async function up(
  options: UpOptions,
  choices: readonly ClusterChoice[],
  elsewhere: Elsewhere,
): Promise<void> {
  const log = createLogger('sonde', options.logLevel);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const stopping = nextShutdownSignal();

  let apiUrl: string | undefined;
  const { clusters, down } = await prepareClusters(choices, {
    windowMs: options.window,
    dataDirectory: options.data,
    apiUrl: () => apiUrl,
    say,
  });
  try {
    let printer: FlowPrinter | undefined;
    const embedded = await startEmbedded({
      clusters: clusters.map((cluster) => ({ ...cluster, identityRetentionMs: options.identityRetention })),
      dataDirectory: options.data,
      store: elsewhere.openStore?.(log),
      kafka: elsewhere.kafka,
      identityTimeoutMs: options.identityTimeout,
      api: { host: options.host, port: options.port },
      log,
      onStored(flows) {
        for (let row = 0; printer && row < flows.rows; row++) {
          // Both nodes of a connection may report it; print one record.
          if (flows.columns.primary[row] === 1) printer.print(flowRow(flows.columns, row));
        }
      },
    });
    apiUrl = embedded.url;
    try {
      say(
        `The console is at ${embedded.url}, the API at ${embedded.url}/api/v1; flows are stored in ${options.clickhouse ?? options.data}. Press Ctrl-C to stop.`,
      );
      if (options.table) printer = createFlowPrinter(process.stdout, `Console: ${embedded.url}`);
      const completed = elsewhere.kafka ? embedded.published : embedded.done.then(() => 0);
      const undelivered = await Promise.race([stopping, completed, embedded.done.then(() => 0)]);
      if (typeof undelivered === 'number') {
        say(endOfSources(undelivered));
        await Promise.race([stopping, embedded.done]);
        await stopping;
      }
    } finally {
      await embedded.stop();
      printer?.close();
    }
    await embedded.done;
  } finally {
    await down();
  }
}

/** What is printed when every source has ended. */
function endOfSources(undelivered: number): string {
  const rest =
    undelivered > 0 ? ` Kafka is unavailable: ${undelivered} batches wait on disk for the next start.` : '';
  return `All sources have ended; the API keeps running until you press Ctrl-C.${rest}`;
}

function chosen(clusters: ClusterChoices, { node }: UpOptions, command: Command): readonly ClusterChoice[] {
  try {
    return clusters.choices(DEFAULT_CLUSTER, node);
  } catch (error) {
    if (!(error instanceof ClusterChoiceError)) throw error;
    return command.error(`error: ${error.message}`);
  }
}

function chosenElsewhere(options: UpOptions, command: Command): Elsewhere {
  try {
    return readElsewhere(options, path.join(options.data, 'kafka-spool'));
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return command.error(`error: ${error.message}`);
  }
}

/** Prepares the traffic of all clusters, or of none if one fails. */
async function prepareClusters(
  choices: readonly ClusterChoice[],
  options: TrafficOptions,
): Promise<{ readonly clusters: readonly EmbeddedCluster[]; readonly down: () => Promise<void> }> {
  const clusters: EmbeddedCluster[] = [];
  const prepared: Traffic[] = [];
  const down = async () => {
    for (const traffic of prepared) await traffic.down();
  };
  try {
    for (const { name, traffic: choice, manifests, kubeConfig } of choices) {
      const traffic = await prepareTraffic(choice, options);
      prepared.push(traffic);
      const { sources } = traffic;
      clusters.push({ name, manifests: [...traffic.manifests, ...manifests], kubeConfig, sources });
    }
  } catch (error) {
    await down();
    throw error;
  }
  return { clusters, down };
}

/** Parses a duration within bounds to milliseconds. */
function duration(min: string, max: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text);
    if (ms === undefined || ms < (parseDuration(min) ?? 0) || ms > (parseDuration(max) ?? 0))
      throw new InvalidArgumentError(`It must be a duration from ${min} to ${max}, for example 5s.`);
    return ms;
  };
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('It must be a port number from 0 to 65535.');
  return value;
}
