import { hostname } from 'node:os';
import { createLogger } from '@sonde/backbone/logging';
import type { KubeConfigChoice } from '@sonde/enricher/watch/kube-config';
import { flowRow } from '@sonde/model/flow/rows';
import { Command, InvalidArgumentError, Option } from 'commander';
import { createFlowPrinter, type FlowPrinter } from '../flow-table/printer.js';
import { startEmbedded } from './embedded.js';
import { prepareTraffic, type TrafficChoice } from './traffic.js';

interface UpOptions {
  readonly lab?: string;
  readonly pcap?: string[];
  readonly interface?: string[];
  readonly manifests: string[];
  readonly kubeconfig?: string | true;
  readonly data: string;
  readonly cluster: string;
  readonly node: string;
  readonly window: number;
  readonly host: string;
  readonly port: number;
  readonly table: boolean;
  readonly logLevel: string;
}

const collect = (value: string, former: string[] | undefined) => [...(former ?? []), value];

/** `sonde up`: every service in one process, on live traffic or on captures. */
export function upCommand(): Command {
  return new Command('up')
    .description('Watch traffic with every service in this process, and show its flows')
    .addOption(
      new Option(
        '--lab <definition>',
        'build a lab cluster on this machine and watch it, for example storefront',
      ),
    )
    .addOption(
      new Option('--pcap <file>', 'read flows from a capture file; repeatable, one a node').argParser(
        collect,
      ),
    )
    .addOption(
      new Option('--interface <name>', 'watch this interface, or pattern; repeatable').argParser(collect),
    )
    .option(
      '--manifests <path>',
      'files or folders of Kubernetes manifests that describe the cluster',
      collect,
      [],
    )
    .option(
      '--kubeconfig [file]',
      'follow the cluster of a kubeconfig; without a file that of KUBECONFIG, ~/.kube/config or the pod itself',
    )
    .option('--data <directory>', 'where flows are kept', '.sonde')
    .option('--cluster <name>', 'name of the cluster in every flow', 'lab')
    .option('--node <name>', 'name of this node, with --interface', hostname())
    .option('--window <seconds>', 'how often flows are reported', seconds, 2)
    .option('--host <address>', 'address that the API listens on', '127.0.0.1')
    .option('--port <number>', 'port that the API listens on; 0 for any free one', port, 4180)
    .option('--no-table', 'print no flows')
    .option('--log-level <level>', 'what is logged: debug, info, warn, error or silent', 'warn')
    .action(up);
}

async function up(options: UpOptions, command: Command): Promise<void> {
  const choice = trafficChoice(options, command);
  const log = createLogger('sonde', options.logLevel);
  const say = (line: string) => process.stderr.write(`${line}\n`);
  const stopping = signalled(['SIGINT', 'SIGTERM', 'SIGHUP']);

  const traffic = await prepareTraffic(choice, { windowMs: options.window * 1000, say });
  try {
    let printer: FlowPrinter | undefined;
    const embedded = await startEmbedded({
      cluster: options.cluster,
      dataDirectory: options.data,
      manifests: [...traffic.manifests, ...options.manifests],
      kubeConfig: kubeConfigChoice(options),
      sources: traffic.sources,
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
        `The API answers at ${embedded.url}/api/v1/flows; flows are kept in ${options.data}. Ctrl-C ends it.`,
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
    await traffic.down();
  }
}

function trafficChoice({ lab, pcap, interface: names, node }: UpOptions, command: Command): TrafficChoice {
  const given = [lab, pcap, names].filter((choice) => choice !== undefined);
  if (given.length !== 1) command.error('error: give one of --lab, --pcap and --interface');
  if (lab !== undefined) return { kind: 'lab', definition: lab };
  if (pcap !== undefined) return { kind: 'captures', files: pcap };
  return { kind: 'interfaces', names: names ?? [], node };
}

function kubeConfigChoice({ kubeconfig }: UpOptions): KubeConfigChoice | undefined {
  if (kubeconfig === undefined) return undefined;
  return kubeconfig === true ? 'usual places' : { file: kubeconfig };
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

function seconds(text: string): number {
  const value = Number(text);
  if (!(value >= 0.1 && value <= 300)) throw new InvalidArgumentError('It must be a number from 0.1 to 300.');
  return value;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError('It must be a port number.');
  return value;
}
