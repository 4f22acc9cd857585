import { Argument, Command, Option } from 'commander';
import { connect, type ServerOptions, whole, withServer } from '../client/connection.js';
import { fromOption, toOption } from '../client/time-range.js';
import { withExamples } from '../help/help.js';
import { type QueryAnswer, queryLines } from '../query/answer-text.js';
import { rankingTable } from './ranking-table.js';
import { printable } from '../table/printable.js';

/** What can be ranked: the groups that it is made of, and which flows have such a thing at all. */
const RANKED = {
  pairs: { groups: ['src.end', 'dst.end'] },
  clients: { groups: ['src.end'] },
  servers: { groups: ['dst.end', 'protocol', 'dst.port'] },
  namespaces: { groups: ['src.namespace', 'dst.namespace'] },
  services: { groups: ['dst.service_namespace', 'dst.service'], of: 'dst.service != ""' },
  domains: { groups: ['dst.domain'], of: 'dst.domain != ""' },
  ports: { groups: ['protocol', 'dst.port'] },
  drops: { groups: ['drop_reason', 'src.end', 'dst.end'], of: 'dropped_packets > 0', sort: 'drops' },
} as const satisfies Readonly<Record<string, Ranked>>;

interface Ranked {
  readonly groups: readonly string[];
  readonly of?: string;
  /** By what it is ranked if nobody says; bytes if not given. */
  readonly sort?: keyof typeof MEASURES;
}

/** By what it is ranked: the metric that comes first. */
const MEASURES = {
  bytes: { function: 'sum', field: 'bytes', name: 'bytes' },
  connections: { function: 'sum', field: 'connections_started', name: 'connections' },
  retransmits: { function: 'sum', field: 'retransmits', name: 'retransmits' },
  drops: { function: 'sum', field: 'dropped_packets', name: 'drops' },
  rtt: { function: 'quantile', field: 'rtt_us', quantile: 0.95, name: 'rtt' },
} as const;

export interface TopOptions extends ServerOptions {
  readonly sort?: keyof typeof MEASURES;
  readonly filter: string;
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly output: 'table' | 'json';
}

/** `sonde top`: who and what leads, by bytes or otherwise. */
export function topCommand(): Command {
  const command = new Command('top')
    .description('Rank pairs, clients, servers and others by traffic, drops or latency')
    .addArgument(new Argument('[what]', 'what to rank').choices(Object.keys(RANKED)).default('pairs'))
    .addOption(
      new Option(
        '--sort <measure>',
        'measure to sort by (default: bytes; dropped packets for drops)',
      ).choices(Object.keys(MEASURES)),
    )
    .option('--filter <expression>', 'filter expression', '')
    .addOption(fromOption('-1h'))
    .addOption(toOption())
    .option('--limit <number>', 'maximum number of rows', whole, 20)
    .addOption(new Option('-o, --output <format>').choices(['table', 'json']).default('table'));
  withServer(command).action(async (what: keyof typeof RANKED, options: TopOptions) => {
    process.stdout.write(`${await top(what, options)}\n`);
  });
  return withExamples(command, [
    'sonde top',
    'sonde top servers --sort retransmits --filter \'dst.namespace == "storefront"\'',
    'sonde top drops --from -15m',
  ]);
}

/** Asks, and gives the ranking's text. */
export async function top(what: keyof typeof RANKED, options: TopOptions): Promise<string> {
  const client = await connect(options);
  const { filter, from, to, limit, output } = options;
  const { groups, of, sort: usual = 'bytes' }: Ranked = RANKED[what];
  const sort = options.sort ?? usual;
  const others = Object.values(MEASURES).filter((measure) => measure !== MEASURES[sort]);
  const answer = await client.post<QueryAnswer>('query', {
    ...{ metrics: [MEASURES[sort], ...others], groupBy: groups, from, to, limit },
    filter: [of, filter.trim() === '' ? undefined : `(${filter}\n)`].filter(Boolean).join(' && '),
  });
  return output === 'json' ? queryLines(answer) : rankingTable(printable(answer));
}
