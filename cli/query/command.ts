import { Command, Option } from 'commander';
import { connect, positiveInteger, type ServerOptions, withServer } from '../client/connection.js';
import { apiTimeRange, type TimeRangeOptions, withTimeRange } from '../client/time-range.js';
import { withFilter } from '../filter/options.js';
import { type FilterOptions, recordFilter } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import { printable, printableLines } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';
import { type QueryAnswer, queryLines, queryTable } from './answer-text.js';
import { type MetricRequest, readMetric } from './metric.js';

export interface QueryOptions extends ServerOptions, TimeRangeOptions, FilterOptions {
  readonly metric?: readonly MetricRequest[];
  readonly by?: string;
  readonly interval?: string;
  readonly order?: string;
  readonly ascending?: true;
  readonly limit: number;
  readonly dns?: true;
  readonly all?: true;
  readonly output: 'table' | 'json' | 'csv';
}

/** `sonde query`: metrics of groups of records, optionally per time interval. */
export function queryCommand(): Command {
  const command = new Command('query')
    .description(
      'Aggregate flows or DNS lookups: sums, rates, counts and quantiles, by group and time interval',
    )
    .argument('[terms...]', 'FIELD=VALUE or KIND/NAME, as for `sonde observe`')
    .option(
      '-m, --metric <metric>',
      'count, sum(bytes), rate(bytes), mean(rtt_us), min(…), max(…), distinct(dst.ip) or quantile(0.95, rtt_us); repeatable (default: count)',
      (text: string, before: readonly MetricRequest[] | undefined) => [...(before ?? []), readMetric(text)],
    )
    .option(
      '-b, --by <fields>',
      'fields to group by, comma-separated: src.namespace,dst.port,src.labels["app"]',
    )
    .option('--interval <duration>', 'time interval, for example 30s, 5m or 1h')
    .option('--order <name>', 'metric or group to sort by (default: the first metric)')
    .option('--ascending', 'sort in ascending order')
    .option('--limit <number>', 'maximum number of groups', positiveInteger, 100)
    .option('--dns', 'aggregate DNS lookups instead of flows')
    .option('--all', 'count duplicate records of connections that both nodes report');
  withTimeRange(command, '1h').addOption(
    new Option('-o, --output <format>', 'output format; json prints one row per line')
      .choices(['table', 'json', 'csv'])
      .default('table'),
  );
  withServer(withFilter(command)).action(async (terms: readonly string[], options: QueryOptions) => {
    process.stdout.write(`${await query(terms, options, screenOf(process.stdout))}\n`);
  });
  return withExamples(command, [
    "sonde query -m 'sum(bytes)' -m 'quantile(0.95, rtt_us)' --by src.end,dst.end",
    "sonde query -m 'rate(bytes)' --by src.namespace --interval 5m --since 6h --output csv",
    'sonde query --by action,evidence --to-namespace storefront',
    'sonde query --dns --by query_name,rcode',
  ]);
}

/** The text of an aggregation. @throws ClientError */
export async function query(
  terms: readonly string[],
  options: QueryOptions,
  { width }: Pick<Screen, 'width'>,
): Promise<string> {
  const { metric = [{ function: 'count' }], by = '', interval, order, limit, output } = options;
  const kind = options.dns ? 'dns' : 'flows';
  const filter = await recordFilter(kind, terms, options);
  const groups = splitFields(by);
  const body = {
    ...{ metrics: metric, groupBy: groups, filter, ...apiTimeRange(options), limit },
    table: kind,
    records: options.all ? 'all' : 'primary',
    ...(interval === undefined ? {} : { interval }),
    order: {
      ...(order === undefined ? {} : { by: order }),
      direction: options.ascending ? 'ascending' : 'descending',
    },
  };
  const client = await connect(options);
  if (output === 'csv') {
    return printableLines(await client.postForText('query', { ...body, format: 'csv' })).trimEnd();
  }
  const answer = await client.post<QueryAnswer>('query', body);
  if (output === 'json') return queryLines(answer);
  const hasShares = groups.length > 0 && interval === undefined && isAdditive(metric[0]);
  const total = hasShares
    ? await client.post<QueryAnswer>('query', {
        ...body,
        groupBy: [],
        limit: 1,
        order: { direction: 'descending' },
      })
    : undefined;
  return queryTable(printable(answer), total?.rows[0], width);
}

/** Whether the values of groups add up to the total. */
function isAdditive(metric: MetricRequest | undefined): boolean {
  return metric?.function === 'count' || metric?.function === 'sum' || metric?.function === 'rate';
}

/** Splits at commas, but not within the brackets of a label key. */
function splitFields(text: string): string[] {
  return [...text.matchAll(/(?:[^,[]|\[[^\]]*\])+/g)]
    .map(([field]) => field.trim())
    .filter((field) => field !== '');
}
