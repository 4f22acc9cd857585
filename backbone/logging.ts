import pino from 'pino';

export type { Logger } from 'pino';

/**
 * The log of a service: one JSON object a line on standard error, so that standard output stays for results.
 * `level` is pino's: trace, debug, info, warn, error, silent.
 */
export function createLogger(service: string, level = 'info'): pino.Logger {
  return pino({ base: { service }, level, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}
