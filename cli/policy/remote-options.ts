import { Option } from 'commander';
import type { ServerOptions } from '../client/connection.js';
import type { TimeRangeOptions } from '../client/time-range.js';
import type { FilterOptions } from '../filter/record-filter.js';

/** Options of commands about the policies and flows of a cluster. */
export interface RemoteOptions extends ServerOptions, TimeRangeOptions, FilterOptions {
  readonly cluster?: string;
}

/** Option for the cluster of a server. */
export function clusterOption(): Option {
  return new Option('--cluster <name>', 'cluster; required if the server has several');
}

/** Option for the output format; the first choice is the default. */
export function outputOption(choices: readonly [string, string]): Option {
  return new Option('-o, --output <format>', 'output format').choices([...choices]).default(choices[0]);
}

/** Writes a line to standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
