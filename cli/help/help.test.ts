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

/** Everything that a person asks a server by. */
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
  'the help of %s ends with examples of it',
  (name, command) => {
    const help = written(command, () => command.outputHelp());
    const [, examples = ''] = help.split('\nExamples:\n');
    expect(examples.trim().split('\n').join(' ')).toMatch(new RegExp(`sonde ((policy|profile) )?${name}\\b`));
  },
);

it('a wrong command line is told of with where to read on', () => {
  const policy = withPointerToHelp(policyCommand(), 'sonde policy');
  const board = policy.commands.find((command) => command.name() === 'board');
  if (!board) throw new Error('there is no board');
  const text = written(board, () => expect(() => board.parse(['--nothing'], { from: 'user' })).toThrow());
  expect(text).toMatch(/unknown option '--nothing'.*\nSee sonde policy board --help\.\n$/s);
});

it('a preview of no change is no question', () => {
  const preview = policyCommand().commands.find((command) => command.name() === 'preview');
  if (!preview) throw new Error('there is no preview');
  const text = written(preview, () => void preview.parseAsync([], { from: 'user' }).catch(() => undefined));
  expect(text).toContain('--apply, --remove or --staged');
});
