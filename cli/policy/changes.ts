import { type Command, Option } from 'commander';
import { connect, positiveInteger, type ServerOptions, withServer } from '../client/connection.js';
import { apiTimeRange, type TimeRangeOptions, withTimeRange } from '../client/time-range.js';
import type { Paint } from '../table/color.js';
import { withExamples } from '../help/help.js';
import { formatTable } from '../table/format.js';
import { jsonText, printable, printableLines } from '../table/printable.js';
import { type Screen, screenOf } from '../table/screen.js';
import { dateTimeText } from '../table/time.js';
import { clusterOption, outputOption, print } from './remote-options.js';

export interface ChangesOptions extends ServerOptions, TimeRangeOptions {
  readonly cluster?: string;
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly limit: number;
  readonly summary?: true;
  readonly utc?: true;
  readonly output: 'text' | 'json';
}

/** Adds `sonde policy changes`: the history of policies. */
export function addChangesCommand(policy: Command): void {
  const command = policy
    .command('changes')
    .description('List changes of policies: when, by whom and the difference')
    .option('--summary', 'print one line per change instead of the difference')
    .option('--kind <kind>', 'only this kind, for example Tier or Namespace')
    .option('-n, --namespace <name>', 'only this namespace')
    .option('--name <name>', 'only this name')
    .option('--limit <number>', 'maximum number of changes, newest first', positiveInteger, 100)
    .addOption(clusterOption());
  withExamples(
    withServer(withTimeRange(command, '7d'))
      .addOption(new Option('--utc', 'print times in UTC instead of local time'))
      .addOption(outputOption(['text', 'json']))
      .action(async (options: ChangesOptions) => print(await changes(options, screenOf(process.stdout)))),
    [
      'sonde policy changes --summary --since 1d',
      'sonde policy changes --kind NetworkPolicy --namespace storefront',
    ],
  );
}

interface Change {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly time: string;
  readonly change: string;
  readonly user?: string;
  readonly diff: string;
}

interface ChangesAnswer {
  readonly changes: readonly Change[];
  /** Whether there are older ones. */
  readonly more: boolean;
}

/** The text of the changes, the latest first. @throws ClientError */
export async function changes(options: ChangesOptions, screen: Screen): Promise<string> {
  const { cluster, kind, namespace, name, limit, output, summary, utc = false } = options;
  const parameters = { cluster, ...apiTimeRange(options), kind, namespace, name, limit };
  const client = await connect(options);
  const answer = await client.get<ChangesAnswer>('policies/changes', parameters);
  if (output === 'json') return jsonText(answer, 2);
  if (answer.changes.length === 0) return 'No changes.';
  const times = { utc, nowMs: Date.now() };
  const timeOf = ({ time }: Change) => dateTimeText(time, times);
  const more = answer.more ? 'There are older changes: raise --limit, or list them with --until.' : '';
  if (summary) {
    const rows = answer.changes.map((change, at, all) => [
      ...[
        timeOf(change),
        objectText(printable(change)),
        changeText(change, at, all),
        printable(change.user ?? '-'),
      ],
      lineCounts(change.diff),
    ]);
    const table = formatTable(['TIME', 'OBJECT', 'CHANGE', 'BY', 'LINES'], rows, screen);
    return more === '' ? table : `${table}\n${more}`;
  }
  const texts = answer.changes.map((change, at, all) => {
    const { user } = printable(change);
    const title = `${timeOf(change)} ${objectText(printable(change))} ${changeText(change, at, all)}${user === undefined ? '' : ` by ${user}`}`;
    return `${screen.paint('bold', title)}\n${coloredDiff(change.diff, screen.paint)}`;
  });
  return [...texts, ...(more === '' ? [] : [more])].join('\n\n');
}

function objectText({ kind, namespace, name }: Change): string {
  return [kind, namespace, name].filter(Boolean).join('/');
}

/** The first version that Sonde saw of an object is its baseline: it may be older than that. */
function changeText(change: Change, at: number, all: readonly Change[]): string {
  const isFirst = !all.slice(at + 1).some((older) => objectText(older) === objectText(change));
  return change.change === 'created' && isFirst ? 'baseline' : change.change;
}

/** Added and removed lines of a unified diff: `+3 -1`. */
function lineCounts(diff: string): string {
  const lines = diff.split('\n').filter((line) => !/^(\+\+\+|---) /.test(line));
  const count = (sign: string) => lines.filter((line) => line.startsWith(sign)).length;
  return `+${count('+')} -${count('-')}`;
}

function coloredDiff(diff: string, paint: Paint): string {
  return printableLines(diff.trimEnd())
    .split('\n')
    .map((line) => {
      if (line.startsWith('+')) return paint('green', line);
      return line.startsWith('-') ? paint('red', line) : line;
    })
    .join('\n');
}
