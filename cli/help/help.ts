import type { Command } from 'commander';

/** Adds examples to the end of a command's help, one per line. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}`).join('\n')}`);
}

/** Makes a command and its subcommands point to their help after an error in the command line. */
export function withPointerToHelp(command: Command, path = command.name()): Command {
  command.showHelpAfterError(`See ${path} --help.`).helpOption('-h, --help', 'explain the command');
  command.configureHelp({ subcommandTerm: (subcommand) => subcommand.name() });
  for (const below of command.commands) withPointerToHelp(below, `${path} ${below.name()}`);
  return command;
}
