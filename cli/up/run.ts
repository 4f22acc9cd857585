import path from 'node:path';
import { createLogger } from '@sonde/backbone/logging';
import { nextShutdownSignal } from '@sonde/backbone/service/signals';
import { flowRow } from '@sonde/model/flow/records';
import { createFlowPrinter, type FlowPrinter } from '../flow-table/printer.js';
import type { ClusterChoice } from './cluster-choices.js';
import { type ElsewhereOptions, readElsewhere } from './elsewhere.js';
import { type EmbeddedCluster, startEmbedded } from './embedded.js';
import { prepareTraffic, type Traffic, type TrafficOptions } from './traffic.js';

export interface UpOptions extends ElsewhereOptions {
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

/**
 * Runs every service in this process until a shutdown signal.
 * @throws ConfigurationError if the settings of Kafka or ClickHouse are invalid.
 */
export async function runUp(options: UpOptions, choices: readonly ClusterChoice[]): Promise<void> {
  const elsewhere = readElsewhere(options, path.join(options.data, 'kafka-spool'));
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
