import { format } from 'node:util';
import pino from 'pino';

export type { Logger } from 'pino';

/**
 * The logger of a service: one JSON object per line on standard error, so that standard output is free for results.
 * @param level pino's levels: trace, debug, info, warn, error, silent.
 */
export function createLogger(service: string, level = 'info'): pino.Logger {
  return pino({ base: { service }, level, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}

/**
 * Logs warnings of Node and of libraries (`process.emitWarning`, `console.warn` and `console.error`) as JSON lines; by
 * default they are printed as plain text between the lines of the log.
 */
export function logProcessWarnings(log: pino.Logger): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => log.warn({ err: warning }, 'process warning'));
  console.warn = (...values: unknown[]) => log.warn({ warning: format(...values) }, 'library warning');
  console.error = (...values: unknown[]) => log.error({ warning: format(...values) }, 'library error');
}
