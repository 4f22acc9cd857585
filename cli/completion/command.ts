import { Argument, Command } from 'commander';
import { withExamples } from '../help/help.js';
import { bashScript } from './bash.js';
import { fishScript } from './fish.js';
import { places } from './words.js';
import { zshScript } from './zsh.js';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `sonde completion`: a script that has a shell complete the command and all below it. */
export function completionCommand(): Command {
  const command = new Command('completion')
    .description('Print a script that completes sonde in a shell; for bash: source <(sonde completion bash)')
    .addArgument(new Argument('<shell>').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS, _options: unknown, command: Command) => {
      if (!command.parent) throw new Error('completion is a command of sonde');
      process.stdout.write(SCRIPTS[shell](places(command.parent)));
    });
  return withExamples(command, [
    'source <(sonde completion bash)     # the same for zsh',
    'sonde completion fish | source',
  ]);
}
