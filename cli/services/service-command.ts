import { createLogger, type Logger } from '@sonde/backbone/logging';
import {
  type Configuration,
  environmentName,
  flagName,
  type OptionDeclaration,
} from '@sonde/backbone/configuration/option';
import { ConfigurationError } from '@sonde/backbone/configuration/problem';
import { readConfiguration, secretFileKey } from '@sonde/backbone/configuration/read';
import { startMonitoring } from '@sonde/backbone/metrics/monitoring-server';
import { Readiness } from '@sonde/backbone/metrics/readiness';
import { Command } from 'commander';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { serviceOptions } from './service-options.js';

/** A service that runs. */
export interface RunningService {
  /** Resolves when it has ended by itself; rejects if it cannot go on. */
  readonly done: Promise<void>;
  /** Finishes what is under way and ends. */
  stop(): Promise<void>;
}

export interface ServiceContext<Declared extends OptionDeclaration> {
  readonly configuration: Configuration<Declared>;
  readonly log: Logger;
  readonly registry: Registry;
  /** Where the service says what it waits for. */
  readonly readiness: Readiness;
}

export interface ServiceDefinition<Declared extends OptionDeclaration> {
  readonly name: string;
  readonly description: string;
  /** Its own settings, besides those that every service has. */
  readonly options: readonly Declared[];
  start(context: ServiceContext<Declared>): RunningService | Promise<RunningService>;
}

/** The command that runs a service: settings, monitoring, signals, and an end within bounds. */
export function serviceCommand<const Declared extends OptionDeclaration>(
  service: ServiceDefinition<Declared>,
): Command {
  const command = new Command(service.name)
    .description(service.description)
    .option('--config <file>', 'a YAML file of settings; or SONDE_CONFIG');
  for (const option of [...serviceOptions, ...service.options]) addFlags(command, option);
  return command.action(async (flags: Readonly<Record<string, string | undefined>>) => {
    const exitCode = await runService(service, byFlagName(flags));
    // Whatever a failed service left open must not keep its process.
    if (exitCode !== 0) process.exit(exitCode);
  });
}

/** Runs a service until it is told to end, or cannot go on; gives the exit code. */
async function runService<const Declared extends OptionDeclaration>(
  service: ServiceDefinition<Declared>,
  flags: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const sources = { file: flags['config'] ?? process.env['SONDE_CONFIG'], environment: process.env, flags };
  let configuration: Configuration<Declared | (typeof serviceOptions)[number]>;
  try {
    configuration = readConfiguration([...serviceOptions, ...service.options], sources);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(`sonde ${service.name} cannot start:\n${error.message.replaceAll(/^/gm, '  ')}\n`);
    return 2;
  }
  const common = configuration as Configuration<(typeof serviceOptions)[number]>;
  const log = createLogger(service.name, common['log.level']);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const readiness = new Readiness();
  readiness.set('start', 'under way');
  const stopping = stopSignal();

  const monitoring = await startMonitoring({
    host: common['monitoring.host'],
    port: common['monitoring.port'],
    registry,
    readiness,
  });
  log.info({ monitoring: monitoring.url }, 'starting');
  let exitCode = 0;
  let running: RunningService | undefined;
  try {
    running = await service.start({ configuration, log, registry, readiness });
    readiness.set('start', undefined);
    log.info('started');
    const reason = await Promise.race([stopping, running.done.then(() => 'ended' as const)]);
    log.info({ reason }, 'stopping');
  } catch (error) {
    exitCode = 1;
    log.fatal({ err: error }, 'cannot go on');
  }
  readiness.set('stop', 'under way');
  const seconds = common['shutdown.seconds'];
  await within(seconds, log, async () => {
    await running?.stop();
    await running?.done.catch((error: unknown) => {
      if (exitCode === 0) log.error({ err: error }, 'did not end well');
      exitCode = 1;
    });
    await monitoring.close();
  });
  log.info({ exitCode }, 'stopped');
  endThoughHeld(exitCode, log);
  return exitCode;
}

/** What a service says that has left something open at its end. */
export const HELD = 'something held the process after its end; ending it';

const MOST_HELD_MS = 2_000;

/** Has the process end though something was left open: who stops a service waits for that. */
function endThoughHeld(exitCode: number, log: Logger): void {
  const held = () => {
    log.warn({ by: process.getActiveResourcesInfo() }, HELD);
    process.exit(exitCode);
  };
  setTimeout(held, MOST_HELD_MS).unref();
}

/** Resolves at the first signal to end; the next one ends the process at once, as it does by default. */
function stopSignal(): Promise<NodeJS.Signals> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  return new Promise((resolve) => {
    const onSignal = (signal: NodeJS.Signals) => {
      for (const one of signals) process.off(one, onSignal);
      resolve(signal);
    };
    for (const one of signals) process.on(one, onSignal);
  });
}

/**
 * Runs the end of a service, and ends the process if it takes longer: what was not finished is what a crash leaves,
 * which every service begins with anyway.
 */
async function within(seconds: number, log: Logger, end: () => Promise<void>): Promise<void> {
  const late = setTimeout(() => {
    log.fatal({ seconds }, 'did not end in time; ending at once');
    process.exit(1);
  }, seconds * 1000);
  try {
    await end();
  } finally {
    clearTimeout(late);
  }
}

function addFlags(command: Command, { key, type, description }: OptionDeclaration): void {
  const variable = `(${environmentName(key)})`;
  command.option(`--${flagName(key)} <value>`, `${description} ${variable}`);
  if (type === 'secret') {
    command.option(`--${flagName(secretFileKey(key))} <file>`, `file that holds it ${variable}`);
  }
}

/** Commander tells flags in camel case. */
function byFlagName(flags: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  );
}
