import { Command } from 'commander';
import { withExamples } from '../help/help.js';
import { clientVersion } from './version.js';

/** `sonde version`: the same as `sonde --version`, in words. */
export function versionCommand(): Command {
  const command = new Command('version')
    .description('Print the version of sonde')
    .action(() => void process.stdout.write(`sonde ${clientVersion()}\n`));
  return withExamples(command, ['sonde version']);
}
