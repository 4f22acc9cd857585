import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { withPointerToHelp } from './help/help.js';
import { serviceCommand } from './service-command.js';

/** Loads each command on demand: the services' dependencies take seconds to load. */
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
  collector: async () => serviceCommand((await import('@sonde/collector/service')).collectorService),
  enricher: async () => serviceCommand((await import('@sonde/enricher/service')).enricherService),
  'query-api': async () => {
    const { queryApiService } = await import('@sonde/query-api/service');
    const { readKubeConfig } = await import('@sonde/enricher/watch/kube-config');
    return serviceCommand(
      queryApiService((file) => readKubeConfig(file === undefined ? 'usual places' : { file })),
    );
  },
  completion: async () => (await import('./completion/command.js')).completionCommand(),
};

const VERSION_FLAGS: ReadonlySet<string> = new Set(['-V', '--version']);

/**
 * The command `sonde` with the subcommand that `word` names, or with all of them if help, completion or an error
 * message lists them.
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
