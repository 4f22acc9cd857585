import { type Command, InvalidArgumentError } from 'commander';
import { EXIT } from '../client/errors.js';
import { connect, positiveInteger, withServer } from '../client/connection.js';
import { apiTimeRange, withTimeRange } from '../client/time-range.js';
import { list, withFilter } from '../filter/options.js';
import { recordFilter } from '../filter/record-filter.js';
import { withExamples } from '../help/help.js';
import { jsonText, printable } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';
import { type PreviewAnswer, previewText } from './preview-text.js';
import { clusterOption, outputOption, print, type RemoteOptions } from './remote-options.js';

export interface PreviewOptions extends RemoteOptions {
  readonly apply?: readonly string[];
  readonly remove?: readonly ObjectToRemove[];
  readonly staged?: true;
  readonly limit: number;
  readonly output: 'table' | 'json';
}

interface ObjectToRemove {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Adds `sonde policy preview`: flows with a different verdict after a change. */
export function addPreviewCommand(policy: Command): void {
  const command = policy
    .command('preview')
    .description('Show which past flows would get a different verdict after a policy change')
    .option('--apply <paths>', 'manifests of policies to add or change; comma-separated or repeated', list)
    .option(
      '--remove <objects>',
      'policies to remove, as KIND/NAME or KIND/NAMESPACE/NAME; comma-separated or repeated',
      (text: string, before: readonly ObjectToRemove[] | undefined) => [
        ...(before ?? []),
        ...list(text, undefined).map(objectToRemove),
      ],
    )
    .option('--staged', 'enforce staged policies')
    .addOption(clusterOption());
  withExamples(
    withServer(withFilter(withTimeRange(command, '1h')))
      .option('--limit <number>', 'maximum number of flow groups to list', positiveInteger, 100)
      .option('--exit-code', `exit with ${EXIT.found} if a verdict would change`)
      .addOption(outputOption(['table', 'json']))
      .action(async (options: PreviewOptions & { exitCode?: true }, command: Command) => {
        if (!options.apply && !options.remove && !options.staged) {
          command.error('error: specify a change with --apply, --remove or --staged');
        }
        const { text, isChange } = await preview(options, screenOf(process.stdout));
        print(text);
        if (options.exitCode && isChange) process.exitCode = EXIT.found;
      }),
    [
      'sonde policy preview --apply new.yaml --remove NetworkPolicy/storefront/old --since 24h',
      'sonde policy preview --staged --exit-code',
    ],
  );
}

/** The text of a preview, and whether anything would change. */
export async function preview(
  options: PreviewOptions,
  screen: Screen,
): Promise<{ readonly text: string; readonly isChange: boolean }> {
  const client = await connect(options);
  const { cluster, apply = [], remove = [], staged, limit, output } = options;
  const filter = await recordFilter('flows', [], options);
  const { readManifests } = await import('@sonde/backbone/manifests/read');
  const { objects, problems } = await readManifests(apply);
  const [problem] = problems;
  if (problem) throw new Error(`${problem.file}:${problem.line}: ${problem.reason}`);
  const answer = await client.post<PreviewAnswer>('policies/preview', {
    ...(cluster === undefined ? {} : { cluster }),
    ...{ ...apiTimeRange(options), filter, remove, limit },
    apply: objects.map(({ object }) => object),
    staged: staged ? 'enforced' : 'ignored',
  });
  const text = output === 'json' ? jsonText(answer, 2) : previewText(printable(answer), screen);
  return { text, isChange: answer.summary.length > 0 };
}

function objectToRemove(text: string): ObjectToRemove {
  const [kind, first, second, ...more] = text.split('/');
  if (!kind || !first || more.length > 0) {
    throw new InvalidArgumentError('Write KIND/NAME or KIND/NAMESPACE/NAME.');
  }
  return second === undefined ? { kind, name: first } : { kind, namespace: first, name: second };
}
