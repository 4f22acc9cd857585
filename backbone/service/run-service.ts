import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Configuration, OptionDeclaration } from '../configuration/option.js';
import { ConfigurationError } from '../configuration/problem.js';
import { readConfiguration } from '../configuration/read.js';
import { createLogger, logProcessWarnings, type Logger } from '../logging.js';
import { registerBuildInfo } from '../metrics/build-info.js';
import { startMonitoring } from '../metrics/monitoring-server.js';
import { Readiness } from '../metrics/readiness.js';
import { serviceOptions } from './options.js';
import { isLoopback } from './loopback.js';
import { nextShutdownSignal } from './signals.js';

/** A running service. */
export interface RunningService {
  /** Resolves when the service ends by itself; rejects if it fails. */
  readonly done: Promise<void>;
  /** Finishes the work in progress and shuts down. */
  stop(): Promise<void>;
}

/** What a service gets to start with. */
export interface ServiceContext<Declared extends OptionDeclaration> {
  readonly configuration: Configuration<Declared>;
  readonly log: Logger;
  readonly registry: Registry;
  /** Where the service reports what it is waiting for. */
  readonly readiness: Readiness;
}

/** A service: its name, its settings and how it starts. */
export interface ServiceDefinition<Declared extends OptionDeclaration> {
  readonly name: string;
  readonly description: string;
  /** The service's own settings, in addition to those of every service. */
  readonly options: readonly Declared[];
  start(context: ServiceContext<Declared>): RunningService | Promise<RunningService>;
}

/** Where a service reads its settings from, in addition to the environment. */
export interface ServiceArguments {
  readonly configFile: string | undefined;
  /** Values of flags by name, without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a service with logs, metrics and health checks until a signal stops it or it fails.
 * @returns the exit code: 0 after a clean shutdown, 1 after a failure, 2 for an invalid configuration.
 */
export async function runService<const Declared extends OptionDeclaration>(
  service: ServiceDefinition<Declared>,
  { configFile, flags }: ServiceArguments,
): Promise<number> {
  let configuration: Configuration<Declared | (typeof serviceOptions)[number]>;
  try {
    configuration = readConfiguration([...serviceOptions, ...service.options], {
      file: configFile ?? process.env['SONDE_CONFIG'],
      environment: process.env,
      flags,
    });
    assertMonitoringProtected(configuration);
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    process.stderr.write(
      `sonde ${service.name}: invalid configuration:\n${error.message.replaceAll(/^/gm, '  ')}\n`,
    );
    return 2;
  }
  const common = configuration as CommonConfiguration;
  const log = createLogger(service.name, common['log.level']);
  logProcessWarnings(log);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  registerBuildInfo(registry);
  const readiness = new Readiness();
  readiness.set('start', 'in progress');
  const signaled = nextShutdownSignal();

  const monitoring = await startMonitoring({
    host: common['monitoring.host'],
    port: common['monitoring.port'],
    token: common['monitoring.token'],
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
    const reason = await Promise.race([signaled, running.done.then(() => 'ended' as const)]);
    log.info({ reason }, 'stopping');
  } catch (error) {
    exitCode = 1;
    log.fatal({ err: error }, 'service failed');
  }
  readiness.set('stop', 'in progress');
  await within(common['shutdown.timeout'], log, async () => {
    await running?.stop();
    await running?.done.catch((error: unknown) => {
      if (exitCode === 0) log.error({ err: error }, 'shutdown failed');
      exitCode = 1;
    });
    await monitoring.close();
  });
  log.info({ exitCode }, 'stopped');
  exitDespiteOpenResources(exitCode, log);
  return exitCode;
}

type CommonConfiguration = Configuration<(typeof serviceOptions)[number]>;

/** Metrics contain names of clusters, nodes and policies, so others must not read them without authorization. */
function assertMonitoringProtected(configuration: CommonConfiguration): void {
  const host = configuration['monitoring.host'];
  const token = configuration['monitoring.token'];
  if (token === '') {
    throw new ConfigurationError([{ key: 'monitoring.token', reason: 'must not be empty' }]);
  }
  if (isLoopback(host) || token !== undefined || configuration['monitoring.protectedByProxy']) return;
  const reason =
    `others can reach ${host}, so /metrics must be protected: set monitoring.tokenFile, ` +
    'or monitoring.protectedByProxy if something in front of it restricts access';
  throw new ConfigurationError([{ key: 'monitoring.host', reason }]);
}

/** Logged when resources that a service left open keep its process from exiting. */
export const OPEN_RESOURCES = 'open resources keep the process running after shutdown; exiting';

const MAX_EXIT_DELAY_MS = 2_000;

/** Exits if resources that were left open keep the process running: its supervisor waits for the exit. */
function exitDespiteOpenResources(exitCode: number, log: Logger): void {
  const exit = () => {
    log.warn({ resources: process.getActiveResourcesInfo() }, OPEN_RESOURCES);
    process.exit(exitCode);
  };
  setTimeout(exit, MAX_EXIT_DELAY_MS).unref();
}

/**
 * Runs a shutdown and exits the process if it takes longer than the timeout. What remains unfinished is what a crash
 * would leave, which every service recovers from at its start.
 */
async function within(timeoutMs: number, log: Logger, shutDown: () => Promise<void>): Promise<void> {
  const timer = setTimeout(() => {
    log.fatal({ timeoutMs }, 'shutdown timed out; exiting');
    process.exit(1);
  }, timeoutMs);
  try {
    await shutDown();
  } finally {
    clearTimeout(timer);
  }
}
