import type { Command } from 'commander';
import { connect, whole, withServer } from '../client/connection.js';
import { fromOption, toOption } from '../client/time-range.js';
import { type Paint, paintFor } from '../flow-table/color.js';
import { withExamples } from '../help/help.js';
import { jsonText, printable, printableLines } from '../table/printable.js';
import { clusterOption, outputOption, print, type RemoteOptions } from './remote-options.js';

export interface ChangesOptions extends Omit<RemoteOptions, 'filter'> {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly limit: number;
  readonly output: 'text' | 'json';
}

/** Adds `sonde policy changes`: the history of policies. */
export function addChangesCommand(policy: Command): void {
  withExamples(
    withServer(policy.command('changes'))
      .description('List changes of policies: when, by whom and the difference')
      .addOption(clusterOption())
      .addOption(fromOption('-7d'))
      .addOption(toOption())
      .option('--kind <kind>', 'only this kind, for example Tier or Namespace')
      .option('-n, --namespace <name>', 'only this namespace')
      .option('--name <name>', 'only this name')
      .option('--limit <number>', 'maximum number of changes, newest first', whole, 100)
      .addOption(outputOption(['text', 'json']))
      .action(async (options: ChangesOptions) => print(await changes(options, paintFor(process.stdout)))),
    ['sonde policy changes --from -7d', 'sonde policy changes --kind NetworkPolicy --namespace storefront'],
  );
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
  if (answer.changes.length === 0) return 'No changes.';
  const left = answer.more
    ? ['There are older changes. List more with --limit, or earlier ones with --to.']
    : [];
  const texts = answer.changes.map((one) => {
    const { time, kind: of, namespace: where, name: called, change, user } = printable(one);
    const object = [of, where, called].filter(Boolean).join('/');
    const by = user === undefined ? '' : ` by ${user}`;
    return `${paint('bold', `${time} ${object} ${change}${by}`)}\n${coloredDiff(one.diff, paint)}`;
  });
  return [...texts, ...left].join('\n\n');
}

function coloredDiff(diff: string, paint: Paint): string {
  return printableLines(diff.trimEnd())
    .split('\n')
    .map((line) =>
      line.startsWith('+') ? paint('green', line) : line.startsWith('-') ? paint('red', line) : line,
    )
    .join('\n');
}
