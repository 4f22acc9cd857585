import { Command, Option } from 'commander';
import { connect, type ServerOptions, positiveInteger, withServer } from '../client/connection.js';
import { apiTimeRange, type TimeRangeOptions, withTimeRange } from '../client/time-range.js';
import { withFilter } from '../filter/options.js';
import { type FilterOptions, recordFilter } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import type { GraphAnswer } from './answer.js';
import { graphDot } from './dot.js';
import { graphTree } from './tree.js';
import { jsonText, printable } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';

export interface GraphOptions extends ServerOptions, TimeRangeOptions, FilterOptions {
  readonly level: string;
  readonly limit: number;
  readonly output: 'tree' | 'dot' | 'json';
}

/** `sonde graph`: which workloads communicate. */
export function graphCommand(): Command {
  const command = new Command('graph')
    .description('Show which workloads communicate, as a tree or for Graphviz')
    .argument('[terms...]', 'FIELD=VALUE or KIND/NAME, as for `sonde observe`')
    .addOption(
      new Option('--level <level>', 'what the nodes of the graph represent')
        .choices(['workload', 'service', 'namespace', 'zone'])
        .default('workload'),
    )
    .option('--limit <number>', 'maximum number of edges', positiveInteger, 500);
  withTimeRange(command, '1h').addOption(
    new Option('-o, --output <format>', 'output format; dot is for Graphviz')
      .choices(['tree', 'dot', 'json'])
      .default('tree'),
  );
  withServer(withFilter(command)).action(async (terms: readonly string[], options: GraphOptions) => {
    process.stdout.write(`${await graph(terms, options, screenOf(process.stdout))}\n`);
  });
  return withExamples(command, [
    'sonde graph --level namespace',
    'sonde graph -n storefront --since 15m',
    'sonde graph --output dot | dot -Tsvg > graph.svg',
  ]);
}

/** The text of a graph. @throws ClientError */
export async function graph(
  terms: readonly string[],
  options: GraphOptions,
  screen: Screen,
): Promise<string> {
  const { level, limit, output } = options;
  const filter = await recordFilter('flows', terms, options);
  const client = await connect(options);
  const answer = await client.get<GraphAnswer>('graph', { level, filter, ...apiTimeRange(options), limit });
  if (output === 'json') return jsonText(answer, 2);
  const shown = printable(answer);
  return output === 'dot' ? graphDot(shown) : graphTree(shown, screen);
}
