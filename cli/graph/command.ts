import { Command, Option } from 'commander';
import { connect, type ServerOptions, whole, withServer } from '../client/connection.js';
import { fromOption, toOption } from '../client/time-range.js';
import { type Paint, paintFor } from '../flow-table/color.js';
import { withExamples } from '../help/help.js';
import type { GraphAnswer } from './answer.js';
import { graphDot } from './dot.js';
import { graphTree } from './tree.js';
import { jsonText, printable } from '../table/printable.js';

export interface GraphOptions extends ServerOptions {
  readonly level: string;
  readonly filter: string;
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly output: 'tree' | 'dot' | 'json';
}

/** `sonde graph`: who talks to whom. */
export function graphCommand(): Command {
  const command = new Command('graph')
    .description('Show which workloads communicate, as a tree or for Graphviz')
    .addOption(
      new Option('--level <level>', 'what the nodes of the graph represent')
        .choices(['workload', 'service', 'namespace', 'zone'])
        .default('workload'),
    )
    .option('--filter <expression>', 'filter expression', '')
    .addOption(fromOption('-1h'))
    .addOption(toOption())
    .option('--limit <number>', 'maximum number of edges', whole, 500)
    .addOption(
      new Option('-o, --output <format>', 'tree, dot (for Graphviz) or json')
        .choices(['tree', 'dot', 'json'])
        .default('tree'),
    );
  withServer(command).action(async (options: GraphOptions) => {
    process.stdout.write(`${await graph(options, paintFor(process.stdout))}\n`);
  });
  return withExamples(command, [
    'sonde graph --level namespace',
    'sonde graph --filter \'either(namespace == "storefront")\' --from -15m',
    'sonde graph --output dot | dot -Tsvg > graph.svg',
  ]);
}

/** Asks, and gives the graph's text. */
export async function graph(options: GraphOptions, paint: Paint): Promise<string> {
  const client = await connect(options);
  const { level, filter, from, to, limit, output } = options;
  const answer = await client.get<GraphAnswer>('graph', { level, filter, from, to, limit });
  if (output === 'json') return jsonText(answer, 2);
  const shown = printable(answer);
  return output === 'dot' ? graphDot(shown) : graphTree(shown, paint);
}
