import type { Command } from 'commander';
import { connect, withServer } from '../client/connection.js';
import { fromOption, toOption } from '../client/time-range.js';
import { type Paint, paintFor } from '../flow-table/color.js';
import { withExamples } from '../help/help.js';
import { jsonText, printable } from '../table/printable.js';
import { type ActivityAnswer, activityText } from './activity-text.js';
import { clusterOption, outputOption, print, type RemoteOptions } from './remote-options.js';

export interface ActivityOptions extends RemoteOptions {
  readonly output: 'table' | 'json';
}

/** Adds `sonde policy activity`: the policies of a cluster with the traffic that they matched. */
export function addActivityCommand(policy: Command): void {
  withExamples(
    withServer(policy.command('activity'))
      .description('List the policies of a cluster in evaluation order, with their observed traffic')
      .addOption(clusterOption())
      .addOption(fromOption('-24h'))
      .addOption(toOption())
      .option('--filter <expression>', 'filter expression', '')
      .addOption(outputOption(['table', 'json']))
      .action(async (options: ActivityOptions) => print(await activity(options, paintFor(process.stdout)))),
    [
      'sonde policy activity',
      'sonde policy activity --from -7d',
      `sonde policy activity --filter 'dst.namespace == "storefront"'`,
    ],
  );
}

/** The text of the activity. */
export async function activity(options: ActivityOptions, paint: Paint): Promise<string> {
  const client = await connect(options);
  const { cluster, from, to, filter, output } = options;
  const answer = await client.get<ActivityAnswer>('policies', { cluster, from, to, filter });
  return output === 'json' ? jsonText(answer, 2) : activityText(printable(answer), paint);
}
