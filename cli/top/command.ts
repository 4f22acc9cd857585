import { Argument, Command, Option } from 'commander';
import { connect, positiveInteger, type ServerOptions, withServer } from '../client/connection.js';
import { apiTimeRange, type TimeRangeOptions, withTimeRange } from '../client/time-range.js';
import { withFilter } from '../filter/options.js';
import { type FilterOptions, recordFilter } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import { type QueryAnswer, queryLines } from '../query/answer-text.js';
import { printable } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';
import { rankingTable } from './ranking-table.js';
import { type Measure, MEASURES, type Ranking, RANKINGS } from './rankings.js';

export interface TopOptions extends ServerOptions, TimeRangeOptions, FilterOptions {
  readonly sort?: Measure;
  readonly limit: number;
  readonly output: 'table' | 'json';
}

/** `sonde top`: ranks endpoints and others by traffic, problems or latency. */
export function topCommand(): Command {
  const command = new Command('top')
    .description('Rank pairs, clients, servers, DNS names and others by traffic, drops or latency')
    .addArgument(new Argument('[what]', 'what to rank').choices(Object.keys(RANKINGS)).default('pairs'))
    .argument('[terms...]', 'FIELD=VALUE or KIND/NAME, as for `sonde observe`')
    .addOption(
      new Option(
        '--sort <measure>',
        'measure to sort by (default: bytes; drops for drops, lookups for dns)',
      ).choices(Object.keys(MEASURES)),
    )
    .option(
      '--limit <number>',
      'maximum number of rows; the last row sums up the others',
      positiveInteger,
      20,
    );
  withTimeRange(command, '1h').addOption(
    new Option('-o, --output <format>', 'output format').choices(['table', 'json']).default('table'),
  );
  withServer(withFilter(command)).action(
    async (what: keyof typeof RANKINGS, terms: readonly string[], options: TopOptions) => {
      process.stdout.write(`${await top(what, terms, options, screenOf(process.stdout))}\n`);
    },
  );
  return withExamples(command, [
    'sonde top',
    'sonde top servers --sort retransmits -n storefront',
    'sonde top clients dst.domain=api.example.com --since 1d',
    'sonde top drops --since 15m',
    'sonde top dns rcode!=NOERROR',
  ]);
}

/** The text of a ranking. @throws ClientError */
export async function top(
  what: keyof typeof RANKINGS,
  terms: readonly string[],
  options: TopOptions,
  { width }: Pick<Screen, 'width'>,
): Promise<string> {
  const ranking: Ranking = RANKINGS[what];
  const { kind = 'flows', only, measures, groups } = ranking;
  const sort = options.sort ?? measures[0];
  if (!measures.includes(sort))
    throw new Error(`${what} can be sorted by ${measures.join(', ')}, not ${sort}`);
  const filter = [only, await recordFilter(kind, terms, options)].filter(Boolean).join(' && ');
  const metrics = [sort, ...measures.filter((one) => one !== sort)].map((one) => MEASURES[one].metric);
  const body = { table: kind, metrics, ...apiTimeRange(options), filter };
  const client = await connect(options);
  const answer = await client.post<QueryAnswer>('query', { ...body, groupBy: groups, limit: options.limit });
  if (options.output === 'json') return queryLines(answer);
  if (answer.rows.length === 0) return `No ${kind === 'dns' ? 'DNS lookups' : 'flows'} match.`;
  const total = MEASURES[sort].isAdditive
    ? await client.post<QueryAnswer>('query', { ...body, groupBy: [], limit: 1 })
    : undefined;
  return rankingTable(printable(answer), total?.rows[0], width);
}
