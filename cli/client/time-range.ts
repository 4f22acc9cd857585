import { parseDuration } from '@sonde/backbone/configuration/quantity';
import { parseTimestamp } from '@sonde/model/filter/timestamp';
import { type Command, InvalidArgumentError, Option } from 'commander';

/** The time range of a command, in the form of the API. */
export interface TimeRangeOptions {
  readonly since: string;
  readonly until: string;
}

/** Gives a command the options of its time range; it begins `ago` before now by default. */
export function withTimeRange(command: Command, ago: string): Command {
  return command
    .addOption(sinceOption('start of the time range: how long ago (5m, 2h, 7d), a date or RFC 3339', ago))
    .addOption(
      new Option('--until <time>', 'end of the time range, in the same forms')
        .argParser(timeArgument)
        .default('now'),
    )
    .addOption(renamed('--from', '--since'))
    .addOption(renamed('--to', '--until'));
}

/** `--since`, with its default as a time ago. */
export function sinceOption(description: string, ago: string): Option {
  return new Option('--since <time>', description).argParser(timeArgument).default(timeArgument(ago), ago);
}

/** The time range as parameters of the API. */
export function apiTimeRange({ since, until }: TimeRangeOptions): { from: string; to: string } {
  return { from: since, to: until };
}

/**
 * A time of the command line in the form of the API: `5m` and `-5m` are before now; dates and times without a zone are of
 * the zone of this machine.
 */
export function timeArgument(text: string): string {
  if (text === 'now') return text;
  const ms = parseDuration(text.replace(/^-/, ''));
  if (ms !== undefined && ms > 0) return `-${Math.max(1, Math.round(ms / 1000))}s`;
  if (parseTimestamp(text) !== undefined) return text;
  const local = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d)?)?$/.test(text)
    ? new Date(text.length === 10 ? `${text}T00:00` : text.replace(' ', 'T'))
    : undefined;
  if (local && !Number.isNaN(local.getTime())) return local.toISOString();
  throw new InvalidArgumentError(
    'Write how long ago (5m, 2h, 7d), a date (2026-03-01) or RFC 3339 (2026-03-01T12:00:00Z).',
  );
}

/** An option that had another name; using it is an error that names the new one. */
function renamed(old: string, current: string): Option {
  return new Option(`${old} <time>`).hideHelp().argParser(() => {
    throw new InvalidArgumentError(`It is called ${current}.`);
  });
}
