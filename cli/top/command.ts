import { Argument, Command, Option } from 'commander';
import { connect, type ServerOptions, whole, withServer } from '../client/connection.js';
import { type QueryAnswer, queryLines, queryTable } from '../query/answer-text.js';

/** What can be ranked: the fields that name it. */
const RANKED = {
  pairs: ['src.namespace', 'src.workload', 'dst.namespace', 'dst.workload'],
  clients: ['src.namespace', 'src.workload'],
  servers: ['dst.namespace', 'dst.workload', 'dst.port'],
  namespaces: ['src.namespace', 'dst.namespace'],
  services: ['dst.service_namespace', 'dst.service'],
  domains: ['dst.domain'],
  ports: ['dst.port', 'protocol'],
  drops: ['drop_reason', 'dst.namespace', 'dst.workload'],
} as const;

/** By what it is ranked: the metric that comes first. */
const MEASURES = {
  bytes: { function: 'sum', field: 'bytes', name: 'bytes' },
  connections: { function: 'sum', field: 'connections_started', name: 'connections' },
  retransmits: { function: 'sum', field: 'retransmits', name: 'retransmits' },
  drops: { function: 'sum', field: 'dropped_packets', name: 'drops' },
  rtt: { function: 'quantile', field: 'rtt_us', quantile: 0.95, name: 'rtt' },
} as const;

export interface TopOptions extends ServerOptions {
  readonly sort: keyof typeof MEASURES;
  readonly filter: string;
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly output: 'table' | 'json';
}

/** `sonde top`: who and what leads, by bytes or otherwise. */
export function topCommand(): Command {
  const command = new Command('top')
    .description('Rank who talks most, or fares worst')
    .addArgument(new Argument('[what]', 'what to rank').choices(Object.keys(RANKED)).default('pairs'))
    .addOption(new Option('--sort <measure>', 'by what').choices(Object.keys(MEASURES)).default('bytes'))
    .option('--filter <expression>', 'which flows, in the filter language', '')
    .option('--from <time>', 'start of the time range: RFC 3339, or before now, as -1h', '-1h')
    .option('--to <time>', 'end of the time range', 'now')
    .option('--limit <number>', 'how many at most', whole, 20)
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'));
  return withServer(command).action(async (what: keyof typeof RANKED, options: TopOptions) => {
    process.stdout.write(`${await top(what, options)}\n`);
  });
}

/** Asks, and gives the ranking's text. */
export async function top(what: keyof typeof RANKED, options: TopOptions): Promise<string> {
  const client = await connect(options);
  const { sort, filter, from, to, limit, output } = options;
  const others = Object.values(MEASURES).filter((measure) => measure !== MEASURES[sort]);
  const answer = await client.post<QueryAnswer>('query', {
    ...{ metrics: [MEASURES[sort], ...others], groupBy: RANKED[what], filter, from, to, limit },
  });
  return output === 'json' ? queryLines(answer) : queryTable({ ...answer, truncated: false });
}
