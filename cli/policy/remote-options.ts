import { Option } from 'commander';
import type { ServerOptions } from '../client/connection.js';

/** Options of the commands about a cluster in a time range. */
export interface RemoteOptions extends ServerOptions {
  readonly cluster?: string;
  readonly from: string;
  readonly to: string;
  readonly filter: string;
}

/** Option for the cluster of a server. */
export function clusterOption(): Option {
  return new Option('--cluster <name>', 'cluster; required if the server has several');
}

/** Option for the output format; the first choice is the default. */
export function outputOption(choices: readonly [string, string]): Option {
  return new Option('-o, --output <format>').choices([...choices]).default(choices[0]);
}

/** Writes a line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
