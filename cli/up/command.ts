import { hostname } from 'node:os';
import { ConfigurationError } from '@sonde/backbone/configuration/problem';
import { parseDuration } from '@sonde/backbone/configuration/quantity';
import { Command, InvalidArgumentError, Option } from 'commander';
import {
  CLUSTER_OPTIONS,
  type ClusterChoice,
  ClusterChoiceError,
  ClusterChoices,
  DEFAULT_LAB,
} from './cluster-choices.js';
import type { UpOptions } from './run.js';

const DEFAULT_CLUSTER = 'lab';

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
    .action(async (options: UpOptions) => {
      const choices = chosen(clusters, options, command);
      // The services take a second to load, which help and completion need not wait for.
      const { runUp } = await import('./run.js');
      try {
        await runUp(options, choices);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        command.error(`error: ${error.message}`);
      }
    });
  // Listens to events because the order decides which cluster an option belongs to.
  for (const option of CLUSTER_OPTIONS) {
    command.on(`option:${option}`, (value: string | null) => clusters.take(option, value));
  }
  return command;
}

function chosen(clusters: ClusterChoices, { node }: UpOptions, command: Command): readonly ClusterChoice[] {
  try {
    return clusters.choices(DEFAULT_CLUSTER, node);
  } catch (error) {
    if (!(error instanceof ClusterChoiceError)) throw error;
    return command.error(`error: ${error.message}`);
  }
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
