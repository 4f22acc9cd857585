import type { Command } from 'commander';
import { connect, withServer } from '../client/connection.js';
import { apiTimeRange, withTimeRange } from '../client/time-range.js';
import { withFilter } from '../filter/options.js';
import { recordFilter } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import { jsonText, printable } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';
import { type ActivityAnswer, activityText } from './activity-text.js';
import { clusterOption, outputOption, print, type RemoteOptions } from './remote-options.js';

export interface ActivityOptions extends RemoteOptions {
  readonly utc?: true;
  readonly output: 'table' | 'json';
}

/** Adds `sonde policy activity`: the policies of a cluster with the traffic that they matched. */
export function addActivityCommand(policy: Command): void {
  withExamples(
    withServer(
      withFilter(
        withTimeRange(
          policy
            .command('activity')
            .addOption(clusterOption())
            .option('--utc', 'print times in UTC instead of local time'),
          '24h',
        ).addOption(outputOption(['table', 'json'])),
      ),
    )
      .description('List the policies of a cluster in evaluation order, with their observed traffic')
      .action(async (options: ActivityOptions) => print(await activity(options, screenOf(process.stdout)))),
    [
      'sonde policy activity',
      'sonde policy activity --since 7d',
      'sonde policy activity --to-namespace storefront',
    ],
  );
}

/** The text of the activity. @throws ClientError */
export async function activity(options: ActivityOptions, screen: Screen): Promise<string> {
  const client = await connect(options);
  const { cluster, output, utc = false } = options;
  const filter = await recordFilter('flows', [], options);
  const answer = await client.get<ActivityAnswer>('policies', {
    ...{ cluster, ...apiTimeRange(options), filter },
  });
  return output === 'json'
    ? jsonText(answer, 2)
    : activityText(printable(answer), screen, { utc, nowMs: Date.now() });
}
