import { Command, Option } from 'commander';
import { connect, type ServerOptions, whole, withServer } from '../client/connection.js';
import { fromOption, toOption } from '../client/time-range.js';
import { withExamples } from '../help/help.js';
import { type QueryAnswer, queryLines, queryTable } from './answer-text.js';
import { type MetricRequest, readMetric } from './metric.js';
import { printable, printableLines } from '../table/printable.js';

export interface QueryOptions extends ServerOptions {
  readonly metric?: readonly MetricRequest[];
  readonly by: string;
  readonly filter: string;
  readonly from: string;
  readonly to: string;
  readonly interval?: string;
  readonly order?: string;
  readonly ascending?: true;
  readonly limit: number;
  readonly dns?: true;
  readonly all?: true;
  readonly output: 'table' | 'json' | 'csv';
}

/** `sonde query`: metrics of groups of flows or DNS lookups, maybe in steps of time. */
export function queryCommand(): Command {
  const command = new Command('query')
    .description('Aggregate flows: sums, rates, counts and quantiles, by group and time interval')
    .option(
      '-m, --metric <metric>',
      'what to work out, more than once for several: count, sum(bytes), rate(bytes), distinct(dst.ip), quantile(0.95, rtt_us)',
      (text: string, before: readonly MetricRequest[] | undefined) => [...(before ?? []), readMetric(text)],
    )
    .option('-b, --by <fields>', 'groups, with commas between: src.namespace,dst.port,src.labels["app"]', '')
    .option('--filter <expression>', 'filter expression', '')
    .addOption(fromOption('-1h'))
    .addOption(toOption())
    .option('--interval <length>', 'time interval, for example 30s, 5m or 1h')
    .option('--order <name>', 'metric or group to sort by (default: the first metric)')
    .option('--ascending', 'sort in ascending order')
    .option('--limit <number>', 'maximum number of groups', whole, 100)
    .option('--dns', 'list DNS lookups instead of flows')
    .option('--all', 'count duplicate records of connections that both nodes report')
    .addOption(
      new Option('-o, --output <format>', 'table, json (a record a line) or csv')
        .choices(['table', 'json', 'csv'])
        .default('table'),
    );
  withServer(command).action(async (options: QueryOptions) => {
    process.stdout.write(`${await query(options)}\n`);
  });
  return withExamples(command, [
    "sonde query -m 'sum(bytes)' -m 'quantile(0.95, rtt_us)' --by src.end,dst.end",
    "sonde query -m 'rate(bytes)' --by src.namespace --interval 5m --from -6h --output csv",
    'sonde query --by action,evidence --filter \'dst.namespace == "storefront"\'',
    'sonde query --dns --by query_name,rcode',
  ]);
}

/** Asks, and gives the answer's text. */
export async function query(options: QueryOptions): Promise<string> {
  const client = await connect(options);
  const { metric = [{ function: 'count' }], by, filter, from, to, interval, order, limit, output } = options;
  const body = {
    ...{ metrics: metric, groupBy: splitFields(by), filter, from, to, limit },
    table: options.dns ? 'dns' : 'flows',
    records: options.all ? 'all' : 'primary',
    ...(interval === undefined ? {} : { interval }),
    order: {
      ...(order === undefined ? {} : { by: order }),
      direction: options.ascending ? 'ascending' : 'descending',
    },
  };
  if (output === 'csv') {
    return printableLines(await client.postForText('query', { ...body, format: 'csv' })).trimEnd();
  }
  const answer = await client.post<QueryAnswer>('query', body);
  return output === 'json' ? queryLines(answer) : queryTable(printable(answer));
}

/** Splits at commas, but not within the brackets of a label's key. */
function splitFields(text: string): string[] {
  return [...text.matchAll(/(?:[^,[]|\[[^\]]*\])+/g)]
    .map(([field]) => field.trim())
    .filter((field) => field !== '');
}
