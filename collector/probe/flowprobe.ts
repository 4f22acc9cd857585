import { spawn } from 'node:child_process';
import type { FlowSource } from '../source/flow-source.js';
import { type ProbeEvents, probeWindows } from './windows.js';

export interface FlowprobeOptions {
  /** Path of the flowprobe program. */
  readonly program: string;
  /** Interfaces to watch: names or patterns. */
  readonly interfaces: readonly string[];
  readonly windowMs: number;
  /** The network namespace (by name, as `ip netns` knows it) to run in; the caller's own if absent. */
  readonly networkNamespace?: string;
  /** Further arguments, passed on as they are. */
  readonly arguments?: readonly string[];
  readonly events?: ProbeEvents;
  /** Lines that the probe says for people. */
  onMessage?(line: string): void;
}

/** The probe ended by itself; the message holds what it said last. */
export class ProbeExitedError extends Error {
  override readonly name = 'ProbeExitedError';
  constructor(
    readonly exitCode: number | null,
    said: string,
  ) {
    super(said === '' ? `flowprobe ended with code ${exitCode ?? 'none (killed)'} and said nothing` : said);
  }
}

/** How many characters of the probe's last words are kept for the error. */
const LAST_WORDS = 2000;

/** Runs flowprobe and reads its flows. `stop` lets it report its last window and detach. */
export function flowprobeSource(options: FlowprobeOptions): FlowSource {
  const [command, ...commandArguments] = commandLine(options);
  const probe = spawn(command, commandArguments, { stdio: ['ignore', 'pipe', 'pipe'] });
  let lastWords = '';
  let stopped = false;
  probe.stderr.setEncoding('utf8');
  probe.stderr.on('data', (text: string) => {
    lastWords = (lastWords + text).slice(-LAST_WORDS);
    for (const line of text.split('\n')) if (line !== '') options.onMessage?.(line);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    probe.once('error', reject);
    probe.once('close', resolve);
  });
  // A failure to start is thrown by `windows`; without this it would also be an unhandled rejection.
  ended.catch(() => undefined);

  return {
    async *windows() {
      try {
        yield* probeWindows(probe.stdout, options.events);
        const exitCode = await ended;
        if (!stopped || exitCode !== 0) throw new ProbeExitedError(exitCode, lastWords.trim());
      } finally {
        // Reached early when the reader gives up: the probe must not outlive it.
        probe.kill('SIGTERM');
      }
    },
    stop() {
      stopped = true;
      probe.kill('SIGTERM');
    },
  };
}

function commandLine({
  program,
  interfaces,
  windowMs,
  networkNamespace,
  ...options
}: FlowprobeOptions): [string, ...string[]] {
  const command: [string, ...string[]] = [
    program,
    ...interfaces.flatMap((name) => ['--interface', name]),
    '--window-ms',
    String(windowMs),
    ...(options.arguments ?? []),
  ];
  // Not by `ip netns exec`, which hides the control groups that processes are found by.
  return networkNamespace === undefined ? command : [...command, '--netns', `/run/netns/${networkNamespace}`];
}
