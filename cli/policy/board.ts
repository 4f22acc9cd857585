import type { Command } from 'commander';
import { connect, withServer } from '../client/connection.js';
import { fromOption, toOption } from '../client/time-range.js';
import { type Paint, paintFor } from '../flow-table/color.js';
import { withExamples } from '../help/help.js';
import { jsonText, printable } from '../table/printable.js';
import { type BoardAnswer, boardText } from './board-text.js';
import { clusterOption, outputOption, print, type RemoteOptions } from './remote-options.js';

export interface BoardOptions extends RemoteOptions {
  readonly output: 'table' | 'json';
}

/** Adds `sonde policy board`: the policies of a cluster with their observed traffic. */
export function addBoardCommand(policy: Command): void {
  withExamples(
    withServer(policy.command('board'))
      .description('List the policies of a cluster in evaluation order, with their observed traffic')
      .addOption(clusterOption())
      .addOption(fromOption('-24h'))
      .addOption(toOption())
      .option('--filter <expression>', 'filter expression', '')
      .addOption(outputOption(['table', 'json']))
      .action(async (options: BoardOptions) => print(await board(options, paintFor(process.stdout)))),
    [
      'sonde policy board',
      'sonde policy board --from -7d',
      `sonde policy board --filter 'dst.namespace == "storefront"'`,
    ],
  );
}

/** The text of the board. */
export async function board(options: BoardOptions, paint: Paint): Promise<string> {
  const client = await connect(options);
  const { cluster, from, to, filter, output } = options;
  const answer = await client.get<BoardAnswer>('policies', { cluster, from, to, filter });
  return output === 'json' ? jsonText(answer, 2) : boardText(printable(answer), paint);
}
