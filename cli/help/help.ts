import type { Command } from 'commander';

/** Ends a command's help with examples, a line each. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
}

/** Has a command, and those below it, say after what is wrong with the command line where to read on. */
export function withPointerToHelp(command: Command, path = command.name()): Command {
  command.showHelpAfterError(`See ${path} --help.`);
  for (const below of command.commands) withPointerToHelp(below, `${path} ${below.name()}`);
  return command;
}
