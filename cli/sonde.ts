#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ClientError } from './client/errors.js';
import { withPointerToHelp } from './help.js';
import { endWhenReaderLeaves } from './reader-left.js';

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

endWhenReaderLeaves(process.stdout);
try {
  const sonde = new Command('sonde').description(
    'Flow logs for Kubernetes: who talked to whom, was it allowed, by which policy, and how well did it go',
  );
  for (const load of wanted(process.argv[2])) sonde.addCommand(await load());
  sonde.version(version());
  await withPointerToHelp(sonde).parseAsync();
} catch (error) {
  process.stderr.write(`sonde: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof ClientError ? error.exitCode : 1;
}

const VERSION_FLAGS: ReadonlySet<string> = new Set(['-V', '--version']);

function version(): string {
  const file = new URL(import.meta.resolve('@sonde/cli/package.json'));
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

/** The command that was named; all of them where help, completion or an error message tells of all. */
function wanted(name = ''): readonly (() => Promise<Command>)[] {
  if (VERSION_FLAGS.has(name)) return [];
  const named = name === 'completion' || !Object.hasOwn(commands, name) ? undefined : commands[name];
  return named ? [named] : Object.values(commands);
}
