import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { withPointerToHelp } from './help.js';

/** Every command and what loads it: services bring engines with them that take seconds, so only what is asked for is. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  up: async () => (await import('./up/command.js')).upCommand(),
  observe: async () => (await import('./observe/command.js')).observeCommand(),
  query: async () => (await import('./query/command.js')).queryCommand(),
  top: async () => (await import('./top/command.js')).topCommand(),
  graph: async () => (await import('./graph/command.js')).graphCommand(),
  fields: async () => (await import('./fields/command.js')).fieldsCommand(),
  policy: async () => (await import('./policy/command.js')).policyCommand(),
  login: async () => (await import('./login/command.js')).loginCommand(),
  logout: async () => (await import('./login/logout.js')).logoutCommand(),
  profile: async () => (await import('./profile/command.js')).profileCommand(),
  lab: async () => (await import('./lab/command.js')).labCommand(),
  collector: async () => (await import('./services/collector.js')).collectorCommand(),
  enricher: async () => (await import('./services/enricher.js')).enricherCommand(),
  'query-api': async () => (await import('./services/query-api.js')).queryApiCommand(),
  completion: async () => (await import('./completion/command.js')).completionCommand(),
};

const VERSION_FLAGS: ReadonlySet<string> = new Set(['-V', '--version']);

/**
 * `sonde`, for a command line that begins with a word: with the command that is named, or all of them where help,
 * completion or an error message tells of all.
 */
export async function sondeCommand(word = ''): Promise<Command> {
  const sonde = new Command('sonde').description(
    'Flow logs for Kubernetes: who talked to whom, was it allowed, by which policy, and how well did it go',
  );
  for (const load of wanted(word)) sonde.addCommand(await load());
  return withPointerToHelp(sonde.version(version()));
}

function wanted(word: string): readonly (() => Promise<Command>)[] {
  if (VERSION_FLAGS.has(word)) return [];
  const named = word === 'completion' || !Object.hasOwn(commands, word) ? undefined : commands[word];
  return named ? [named] : Object.values(commands);
}

function version(): string {
  const file = new URL(import.meta.resolve('@sonde/cli/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
