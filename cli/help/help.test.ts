import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { completionCommand } from '../completion/command.js';
import { fieldsCommand } from '../fields/command.js';
import { graphCommand } from '../graph/command.js';
import { withPointerToHelp } from './help.js';
import { loginCommand } from '../login/command.js';
import { logoutCommand } from '../login/logout.js';
import { observeCommand } from '../observe/command.js';
import { policyCommand } from '../policy/command.js';
import { profileCommand } from '../profile/command.js';
import { queryCommand } from '../query/command.js';
import { topCommand } from '../top/command.js';

/** The client commands. */
const commands = [
  ...[observeCommand(), queryCommand(), topCommand(), graphCommand(), fieldsCommand(), completionCommand()],
  ...[loginCommand(), logoutCommand()],
  ...[...policyCommand().commands, ...profileCommand().commands],
];

/** What a command writes, as one text. */
function written(command: Command, act: () => void): string {
  let text = '';
  const write = (part: string) => (text += part);
  command.configureOutput({ writeOut: write, writeErr: write }).exitOverride();
  act();
  return text;
}

it.each(commands.map((command) => [command.name(), command] as const))(
  'ends the help of %s with examples',
  (name, command) => {
    const help = written(command, () => command.outputHelp());
    const [, examples = ''] = help.split('\nExamples:\n');
    expect(examples.trim().split('\n').join(' ')).toMatch(new RegExp(`sonde ((policy|profile) )?${name}\\b`));
  },
);

it('points to the help of the command after a wrong command line', () => {
  const policy = withPointerToHelp(policyCommand(), 'sonde policy');
  const activity = policy.commands.find((command) => command.name() === 'activity');
  if (!activity) throw new Error('there is no command activity');
  const text = written(activity, () =>
    expect(() => activity.parse(['--nothing'], { from: 'user' })).toThrow(),
  );
  expect(text).toMatch(/unknown option '--nothing'.*\nSee sonde policy activity --help\.\n$/s);
});

it('refuses a preview without a change', () => {
  const preview = policyCommand().commands.find((command) => command.name() === 'preview');
  if (!preview) throw new Error('there is no preview');
  const text = written(preview, () => void preview.parseAsync([], { from: 'user' }).catch(() => undefined));
  expect(text).toContain('--apply, --remove or --staged');
});
