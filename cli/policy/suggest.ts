import { type Command, Option } from 'commander';
import { EXIT } from '../client/errors.js';
import { connect, withServer } from '../client/connection.js';
import { apiTimeRange, withTimeRange } from '../client/time-range.js';
import { withFilter } from '../filter/options.js';
import { recordFilter } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import { jsonText, printableLines } from '../table/printable.js';
import { counted } from '../table/counted.js';
import { tell } from '../table/tell.js';
import { clusterOption, outputOption, print, type RemoteOptions } from './remote-options.js';

/** The APIs that policies can be suggested in. */
const DIALECTS = ['kubernetes', 'calico', 'calico-enterprise'] as const;

export interface SuggestOptions extends RemoteOptions {
  readonly dialect: (typeof DIALECTS)[number];
  readonly tier: string;
  readonly order: number;
  readonly output: 'yaml' | 'json';
}

/** Adds `sonde policy suggest`: least-privilege policies from observed flows. */
export function addSuggestCommand(policy: Command): void {
  withExamples(
    withServer(withFilter(withTimeRange(policy.command('suggest').addOption(clusterOption()), '24h')))
      .description('Suggest least-privilege policies for a namespace from observed flows, as manifests')
      .argument('<namespace>')
      .addOption(
        new Option('--dialect <dialect>', 'API of the policies').choices([...DIALECTS]).default('kubernetes'),
      )
      .option('--tier <name>', 'Calico tier of the policies', 'default')
      .option('--order <number>', 'order of the policies in the tier', Number, 1000)
      .addOption(outputOption(['yaml', 'json']))
      .action(async (namespace: string, options: SuggestOptions) => {
        const { text, notes } = await suggest(namespace, options);
        for (const note of notes) tell(`sonde: ${note}`);
        if (text === '') process.exitCode = EXIT.refused;
        else print(text.trimEnd());
      }),
    [
      'sonde policy suggest storefront --since 7d > storefront.yaml',
      `sonde policy suggest storefront --dialect calico --filter 'src.namespace != "sandbox"'`,
    ],
  );
}

interface SuggestAnswer {
  readonly yaml: string;
  readonly policies: readonly unknown[];
  readonly notCovered: readonly { readonly reason: string; readonly connections: number }[];
}

/** The text of a suggestion and notes on what it does not cover. */
export async function suggest(
  namespace: string,
  options: SuggestOptions,
): Promise<{ readonly text: string; readonly notes: readonly string[] }> {
  const client = await connect(options);
  const { cluster, dialect, tier, order, output } = options;
  const filter = await recordFilter('flows', [], options);
  const answer = await client.post<SuggestAnswer>('policies/suggest', {
    ...(cluster === undefined ? {} : { cluster }),
    ...{ namespace, ...apiTimeRange(options), filter, dialect, tier, order },
  });
  const left = answer.notCovered.map(
    ({ reason, connections }) => `${counted(connections, 'connection')} not covered: ${reason}`,
  );
  const nothing =
    answer.policies.length === 0 ? [`no allowed flows were observed in namespace ${namespace}`] : [];
  return {
    text: output === 'json' ? jsonText(answer, 2) : printableLines(answer.yaml),
    notes: [...nothing, ...left],
  };
}
