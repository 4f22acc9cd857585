import type { Command } from 'commander';

/** What can be typed at one place of the command line. */
export interface Place {
  /** The commands before it, as `policy activity`; empty at the beginning. */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** The values that its first argument can have, where they are known. */
  readonly values: readonly string[];
}

export interface Word {
  readonly word: string;
  readonly description: string;
}

export interface OptionWord extends Word {
  /** Its short form, if it has one. */
  readonly short: string | undefined;
  /** The values that it can have, where they are known. */
  readonly values: readonly string[];
  /** Whether a value follows. */
  readonly takesValue: boolean;
}

/** All places of a command and of those below it. */
export function places(command: Command, path = ''): Place[] {
  const here: Place = {
    path,
    commands: command.commands.map((one) => ({
      word: one.name(),
      description: summaryOf(one.description()),
    })),
    options: [
      ...command.options.map(({ long, short, description, argChoices, required, optional }) => ({
        ...{ word: long ?? '', short, description: summaryOf(description) },
        ...{ values: argChoices ?? [], takesValue: required || optional },
      })),
      { word: '--help', short: '-h', description: 'explain the command', values: [], takesValue: false },
    ],
    values: command.registeredArguments[0]?.argChoices ?? [],
  };
  const below = command.commands.flatMap((one) =>
    places(one, path === '' ? one.name() : `${path} ${one.name()}`),
  );
  return [here, ...below];
}

/** The beginning of a description, which fits beside a word. */
function summaryOf(description: string): string {
  return description.split(/[:;(]|, for example/)[0]?.trim() ?? '';
}
