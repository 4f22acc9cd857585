import { Command, Option } from 'commander';
import type { ApiClient } from '../client/api-client.js';
import { connect, type ServerOptions, withServer } from '../client/connection.js';
import { withExamples } from '../help/help.js';
import type { QueryAnswer } from '../query/answer-text.js';
import { formatTable } from '../table/format.js';
import { jsonText, printable } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';
import { secondsText, type TimeFormat } from '../table/time.js';
import { type ServiceCounters, serviceCounters } from './service-counters.js';

export interface StatusOptions extends ServerOptions {
  readonly utc?: true;
  readonly output: 'table' | 'json';
}

/** The state of a server, its data and its services. */
interface Status {
  readonly server: string;
  readonly ready: boolean;
  readonly oldest: string | undefined;
  readonly newest: string | undefined;
  readonly nodes: readonly NodeStatus[];
  readonly counters: ServiceCounters;
}

interface NodeStatus {
  readonly cluster: string;
  readonly node: string;
  readonly newest: string;
  /** Records of the last hour. */
  readonly flows: number;
}

/** Age of the newest flow of a node from which it is reported as silent, in ms. */
const SILENT_MS = 120_000;
/** How far to look for the oldest data; servers refuse more than 92 days. */
const SEARCH = '-13w';

/** `sonde status`: whether data arrives, from where, and what was lost. */
export function statusCommand(): Command {
  const command = new Command('status')
    .description('Show oldest and newest data, nodes that report, lag and losses')
    .option('--utc', 'print times in UTC instead of local time')
    .addOption(
      new Option('-o, --output <format>', 'output format').choices(['table', 'json']).default('table'),
    );
  withServer(command).action(async (options: StatusOptions) => {
    process.stdout.write(`${await status(options, screenOf(process.stdout))}\n`);
  });
  return withExamples(command, ['sonde status', 'sonde status --output json | jq .newest']);
}

/** The text of the status. @throws ClientError */
export async function status(options: StatusOptions, screen: Screen): Promise<string> {
  const client = await connect(options);
  const state = await readStatus(client);
  if (options.output === 'json') return jsonText(state, 2);
  return statusText(printable(state), screen, { utc: options.utc ?? false, nowMs: Date.now() });
}

async function readStatus(client: ApiClient): Promise<Status> {
  const newestMetric = { function: 'max', field: 'start_time' };
  const range = { to: 'now', records: 'all' };
  const [all, byNode, counters] = await Promise.all([
    client.post<QueryAnswer>('query', {
      ...{ ...range, from: SEARCH, limit: 1 },
      metrics: [{ function: 'min', field: 'start_time' }, newestMetric],
    }),
    client.post<QueryAnswer>('query', {
      ...{ ...range, from: '-1h', groupBy: ['cluster', 'node'], limit: 1000 },
      metrics: [{ function: 'count' }, newestMetric],
    }),
    serviceCounters(client),
  ]);
  const [oldest, newest] = all.rows[0] ?? [];
  return {
    server: client.server,
    ready: true,
    oldest: timeOf(oldest),
    newest: timeOf(newest),
    nodes: byNode.rows.map(([cluster, node, flows, last]) => ({
      ...{ cluster: String(cluster), node: String(node), flows: Number(flows), newest: String(last) },
    })),
    counters,
  };
}

function timeOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function statusText(
  { server, oldest, newest, nodes, counters }: Status,
  { paint, width }: Screen,
  times: TimeFormat,
): string {
  const lines = [`Server:      ${server} (ready)`];
  if (oldest === undefined || newest === undefined) {
    lines.push(`Flows:       ${paint('yellow', 'none stored in the last 13 weeks')}`);
  } else {
    lines.push(
      `Oldest flow: ${secondsText(oldest, times)}`,
      `Newest flow: ${secondsText(newest, times)} (${ageText(newest, times.nowMs)})`,
    );
  }
  if (counters.isReadable) {
    lines.push(
      ...(counters.lagMessages === undefined
        ? []
        : [`Lag:         ${counters.lagMessages} messages in Kafka`]),
      `Lost:        ${counters.lost === 0 ? 'nothing since the services started' : paint('red', `${counters.lost} (see docs/metrics.md)`)}`,
      ...counters.losses.map(({ name, value }) => `             ${name} ${value}`),
    );
  } else lines.push('Lost:        unknown: the metrics require the right admin in all namespaces');
  const rows = [...nodes]
    .sort((a, b) => a.cluster.localeCompare(b.cluster) || a.node.localeCompare(b.node))
    .map(({ cluster, node, flows, newest: last }) => [
      ...[cluster, node, String(flows), secondsText(last, times)],
      times.nowMs - Date.parse(last) > SILENT_MS
        ? `silent for ${ageText(last, times.nowMs, '')}`
        : 'reporting',
    ]);
  const table =
    rows.length === 0
      ? 'No node has reported in the last hour.'
      : formatTable(['CLUSTER', 'NODE', 'FLOWS (1H)', 'NEWEST', 'STATE'], rows, { numbers: [2], width });
  return [...lines, '', table].join('\n');
}

/** How long ago a time was: `5m ago`. */
function ageText(time: string, nowMs: number, suffix = ' ago'): string {
  const seconds = Math.max(0, Math.round((nowMs - Date.parse(time)) / 1000));
  const [unit, size] = (
    [
      ['d', 86_400],
      ['h', 3600],
      ['m', 60],
    ] as const
  ).find(([, one]) => seconds >= one) ?? ['s', 1];
  return `${Math.floor(seconds / size)}${unit}${suffix}`;
}
