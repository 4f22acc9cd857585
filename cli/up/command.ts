import { hostname } from 'node:os';
import path from 'node:path';
import { ConfigurationError } from '@sonde/backbone/configuration/problem';
import { createLogger } from '@sonde/backbone/logging';
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
  readonly window: number;
  readonly wait: number;
  readonly horizon: number;
  readonly host: string;
  readonly port: number;
  readonly table: boolean;
  readonly logLevel: string;
}

/** `sonde up`: every service in one process, on live traffic or on captures. */
export function upCommand(): Command {
  const clusters = new ClusterChoices();
  const command = new Command('up')
    .description('Watch traffic with every service in this process, and show its flows')
    .addOption(
      new Option(
        '--lab [definition]',
        `build a lab cluster on this machine and watch it; ${DEFAULT_LAB} if none is named`,
      ),
    )
    .option('--pcap <file>', 'read flows from a capture file; repeatable, one a node')
    .option('--interface <name>', 'watch this interface, or pattern; repeatable')
    .option(
      '--manifests <path>',
      'file or folder of Kubernetes manifests that describe the cluster; repeatable',
    )
    .option(
      '--kubeconfig [file]',
      'follow the cluster of a kubeconfig; without a file that of KUBECONFIG, ~/.kube/config or the pod itself',
    )
    .option(
      '--cluster <name>',
      `name of the cluster in every flow (default: "${DEFAULT_CLUSTER}"); repeatable, each with its own of the options above after it`,
    )
    .option('--data <directory>', 'where flows are kept', '.sonde')
    .option('--kafka <brokers>', 'have flows go through this Kafka; with further settings as SONDE_KAFKA_…')
    .option(
      '--clickhouse <urls>',
      'keep flows in this ClickHouse; with further settings as SONDE_CLICKHOUSE_…',
    )
    .option('--node <name>', 'name of this node, with --interface', hostname())
    .option('--window <duration>', 'interval at which flows are reported', duration('100ms', '5m'), 2_000)
    .option(
      '--identity-timeout <duration>',
      'how long flows wait for pods that the API server has not reported yet',
      duration('0s', '1m'),
      5_000,
    )
    .option(
      '--identity-retention <duration>',
      'how long deleted pods stay known for late flows',
      duration('1m', '24h'),
      3_600_000,
    )
    .option('--host <address>', 'address that the API listens on', '127.0.0.1')
    .option('--port <number>', 'port that the API listens on; 0 for any free one', port, 4180)
    .option('--no-table', 'print no flows')
    .option('--log-level <level>', 'what is logged: debug, info, warn, error or silent', 'warn')
    .action((options: UpOptions) =>
      up(options, chosen(clusters, options, command), chosenElsewhere(options, command)),
    );
  // By events, since which cluster an option is of depends on the order.
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
  const stopping = signalled(['SIGINT', 'SIGTERM', 'SIGHUP']);

  const { clusters, down } = await prepareClusters(choices, { windowMs: options.window * 1000, say });
  try {
    let printer: FlowPrinter | undefined;
    const embedded = await startEmbedded({
      clusters: clusters.map((cluster) => ({ ...cluster, horizonMs: options.horizon * 1000 })),
      dataDirectory: options.data,
      store: elsewhere.openStore?.(log),
      kafka: elsewhere.kafka,
      waitMs: options.wait * 1000,
      api: { host: options.host, port: options.port },
      log,
      onStored(flows) {
        for (let row = 0; printer && row < flows.rows; row++) {
          // Of a connection that both of its nodes report, one record is enough to see.
          if (flows.columns.primary[row] === 1) printer.print(flowRow(flows.columns, row));
        }
      },
    });
    try {
      say(
        `The API answers at ${embedded.url}/api/v1/flows; flows are kept in ${options.clickhouse ?? options.data}. Ctrl-C ends it.`,
      );
      if (options.table) printer = createFlowPrinter(process.stdout, `API: ${embedded.url}/api/v1/flows`);
      const ended = await Promise.race([stopping, embedded.done.then(() => 'ended' as const)]);
      if (ended === 'ended') {
        say('Every source has ended; the API goes on answering until Ctrl-C.');
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

/** Makes the traffic of all clusters ready, or of none. */
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

/** Resolves at the first of the signals. The next one ends the process at once, as it does by default. */
function signalled(signals: readonly NodeJS.Signals[]): Promise<'signalled'> {
  return new Promise((resolve) => {
    const onSignal = () => {
      for (const signal of signals) process.off(signal, onSignal);
      resolve('signalled');
    };
    for (const signal of signals) process.on(signal, onSignal);
  });
}

function between(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
    return value;
  };
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('It must be a port number.');
  return value;
}
