import { readManifests } from '@sonde/backbone/manifests/read';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { connect, type ServerOptions, whole, withServer } from '../client/connection.js';
import { EXIT } from '../client/errors.js';
import { fromOption, toOption } from '../client/time-range.js';
import { type Paint, paintFor } from '../flow-table/colour.js';
import { withExamples } from '../help.js';
import { type BoardAnswer, boardText } from './board-text.js';
import { counted } from '../table/counted.js';
import { type PreviewAnswer, previewText } from './preview-text.js';
import { jsonText, printable, printableLines } from '../table/printable.js';
import { tell } from '../table/tell.js';

interface RemoteOptions extends ServerOptions {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly filter: string;
}

export interface BoardOptions extends RemoteOptions {
  readonly output: 'table' | 'json';
}

export interface ChangesOptions extends Omit<RemoteOptions, 'filter'> {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly limit: number;
  readonly output: 'text' | 'json';
}

export interface PreviewOptions extends RemoteOptions {
  readonly apply: readonly string[];
  readonly remove: readonly ObjectToRemove[];
  readonly staged?: true;
  readonly limit: number;
  readonly output: 'table' | 'json';
}

/** What can read suggested policies. */
const DIALECTS = ['kubernetes', 'calico', 'calico-enterprise'] as const;

export interface SuggestOptions extends RemoteOptions {
  readonly dialect: (typeof DIALECTS)[number];
  readonly tier: string;
  readonly order: number;
  readonly output: 'yaml' | 'json';
}

interface ObjectToRemove {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** Adds to `sonde policy` what asks a server: the board, changes, previews and suggestions. */
export function addRemoteCommands(policy: Command): void {
  withExamples(
    withServer(policy.command('board'))
      .description('Show the policies of a cluster in the order of evaluation, with what they did')
      .addOption(clusterOption())
      .addOption(fromOption('-24h'))
      .addOption(toOption())
      .option('--filter <expression>', 'which flows count, in the filter language', '')
      .addOption(outputOption(['table', 'json']))
      .action(async (options: BoardOptions) => print(await board(options, paintFor(process.stdout)))),
    [
      'sonde policy board',
      'sonde policy board --from -7d',
      `sonde policy board --filter 'dst.namespace == "storefront"'`,
    ],
  );
  withExamples(
    withServer(policy.command('changes'))
      .description('Show who changed which policies when, and how')
      .addOption(clusterOption())
      .addOption(fromOption('-7d'))
      .addOption(toOption())
      .option('--kind <kind>', 'of one kind, for example Tier or Namespace')
      .option('-n, --namespace <name>', 'in one namespace')
      .option('--name <name>', 'of one name')
      .option('--limit <number>', 'how many at most, the latest', whole, 100)
      .addOption(outputOption(['text', 'json']))
      .action(async (options: ChangesOptions) => print(await changes(options, paintFor(process.stdout)))),
    ['sonde policy changes --from -7d', 'sonde policy changes --kind NetworkPolicy --namespace storefront'],
  );
  withExamples(
    withServer(policy.command('preview'))
      .description('Show which flows of the past a change of policies would let fare otherwise')
      .option('--apply <path...>', 'manifests of policies that are added or changed', [])
      .option(
        '--remove <object...>',
        'policies that are taken away, as KIND/NAME or KIND/NAMESPACE/NAME',
        (text: string, before: readonly ObjectToRemove[]) => [...before, objectToRemove(text)],
        [],
      )
      .option('--staged', 'as if staged policies were then enforced')
      .addOption(clusterOption())
      .addOption(fromOption('-1h'))
      .addOption(toOption())
      .option('--filter <expression>', 'which flows, in the filter language', '')
      .option('--limit <number>', 'how many kinds of flows to list', whole, 100)
      .option('--exit-code', `end with ${EXIT.found} if anything would change`)
      .addOption(outputOption(['table', 'json']))
      .action(async (options: PreviewOptions & { exitCode?: true }, command: Command) => {
        if (options.apply.length + options.remove.length === 0 && options.staged === undefined) {
          command.error('error: say what is to change: --apply, --remove or --staged');
        }
        const { text, isChange } = await preview(options, paintFor(process.stdout));
        print(text);
        if (options.exitCode && isChange) process.exitCode = EXIT.found;
      }),
    [
      'sonde policy preview --apply new.yaml --remove NetworkPolicy/storefront/old --from -24h',
      'sonde policy preview --staged --exit-code',
    ],
  );
  withExamples(
    withServer(policy.command('suggest'))
      .description('Suggest the least that a namespace must be allowed, by what was observed, as manifests')
      .argument('<namespace>')
      .addOption(new Option('--dialect <dialect>').choices([...DIALECTS]).default('kubernetes'))
      .option('--tier <name>', "Calico's tier that the policies go to", 'default')
      .option('--order <number>', 'their order in the tier', Number, 1000)
      .addOption(clusterOption())
      .addOption(fromOption('-24h'))
      .addOption(toOption())
      .option('--filter <expression>', 'which flows are to stay allowed, in the filter language', '')
      .addOption(outputOption(['yaml', 'json']))
      .action(async (namespace: string, options: SuggestOptions) => {
        const { text, notes } = await suggest(namespace, options);
        for (const note of notes) tell(`sonde: ${note}`);
        if (text === '') process.exitCode = EXIT.refused;
        else print(text.trimEnd());
      }),
    [
      'sonde policy suggest storefront --from -7d > storefront.yaml',
      `sonde policy suggest storefront --dialect calico --filter 'src.namespace != "sandbox"'`,
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

interface ChangesAnswer {
  readonly changes: readonly {
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
    readonly time: string;
    readonly change: string;
    readonly user?: string;
    readonly diff: string;
  }[];
  /** Whether there are older ones. */
  readonly more: boolean;
}

/** The text of the changes, each with its difference. */
export async function changes(options: ChangesOptions, paint: Paint): Promise<string> {
  const client = await connect(options);
  const { cluster, from, to, kind, namespace, name, limit, output } = options;
  const asked = { cluster, from, to, kind, namespace, name, limit };
  const answer = await client.get<ChangesAnswer>('policies/changes', asked);
  if (output === 'json') return jsonText(answer, 2);
  if (answer.changes.length === 0) return 'Nothing changed.';
  const left = answer.more
    ? ['Older changes are not listed: ask for more with --limit, or until earlier with --to.']
    : [];
  const texts = answer.changes.map((one) => {
    const { time, kind: of, namespace: where, name: called, change, user } = printable(one);
    const object = [of, where, called].filter(Boolean).join('/');
    const by = user === undefined ? '' : ` by ${user}`;
    return `${paint('bold', `${time} ${object} ${change}${by}`)}\n${colouredDiff(one.diff, paint)}`;
  });
  return [...texts, ...left].join('\n\n');
}

function colouredDiff(diff: string, paint: Paint): string {
  return printableLines(diff.trimEnd())
    .split('\n')
    .map((line) =>
      line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line,
    )
    .join('\n');
}

/** The text of a preview, and whether anything would change. */
export async function preview(
  options: PreviewOptions,
  paint: Paint,
): Promise<{ readonly text: string; readonly isChange: boolean }> {
  const client = await connect(options);
  const { cluster, from, to, filter, remove, staged, limit, output } = options;
  const { objects, problems } = await readManifests(options.apply);
  const [problem] = problems;
  if (problem) throw new Error(`${problem.file}:${problem.line}: ${problem.reason}`);
  const answer = await client.post<PreviewAnswer>('policies/preview', {
    ...(cluster === undefined ? {} : { cluster }),
    ...{ from, to, filter, remove, limit },
    apply: objects.map(({ object }) => object),
    staged: staged ? 'enforced' : 'ignored',
  });
  const text = output === 'json' ? jsonText(answer, 2) : previewText(printable(answer), paint);
  return { text, isChange: answer.summary.length > 0 };
}

interface SuggestAnswer {
  readonly yaml: string;
  readonly policies: readonly unknown[];
  readonly notCovered: readonly { readonly reason: string; readonly connections: number }[];
}

/** The text of a suggestion, and what it leaves out. */
export async function suggest(
  namespace: string,
  options: SuggestOptions,
): Promise<{ readonly text: string; readonly notes: readonly string[] }> {
  const client = await connect(options);
  const { cluster, from, to, filter, dialect, tier, order, output } = options;
  const answer = await client.post<SuggestAnswer>('policies/suggest', {
    ...(cluster === undefined ? {} : { cluster }),
    ...{ namespace, from, to, filter, dialect, tier, order },
  });
  const left = answer.notCovered.map(
    ({ reason, connections }) => `${counted(connections, 'connection')} not covered: ${reason}`,
  );
  const nothing =
    answer.policies.length === 0 ? [`nothing allowed was observed of namespace ${namespace}`] : [];
  return {
    text: output === 'json' ? jsonText(answer, 2) : printableLines(answer.yaml),
    notes: [...nothing, ...left],
  };
}

function objectToRemove(text: string): ObjectToRemove {
  const [kind, first, second, ...more] = text.split('/');
  if (!kind || !first || more.length > 0) {
    throw new InvalidArgumentError('Write KIND/NAME or KIND/NAMESPACE/NAME.');
  }
  return second === undefined ? { kind, name: first } : { kind, namespace: first, name: second };
}

export function clusterOption(): Option {
  return new Option('--cluster <name>', 'the cluster; may be left out where there is only one');
}

function outputOption(choices: readonly [string, string]): Option {
  return new Option('-o, --output <format>').choices([...choices]).default(choices[0]);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
