import { spawn } from 'node:child_process';
import type { FlowSource } from '../source/flow-source.js';
import { type ProbeEvents, probeWindows } from './windows.js';

export interface FlowprobeOptions {
  /** Path of the flowprobe program. */
  readonly program: string;
  /** Interfaces to watch: names or patterns. */
  readonly interfaces: readonly string[];
  readonly windowMs: number;
  /** Name of the network namespace to watch (as in `ip netns`); default: that of this process. */
  readonly networkNamespace?: string;
  /** Further arguments. */
  readonly arguments?: readonly string[];
  readonly events?: ProbeEvents;
  /** Called for each line that flowprobe writes to standard error. */
  onMessage?(line: string): void;
}

/** flowprobe exited without being stopped. The message is the end of its standard error. */
export class ProbeExitedError extends Error {
  override readonly name = 'ProbeExitedError';
  constructor(
    readonly exitCode: number | null,
    stderr: string,
  ) {
    super(
      stderr === ''
        ? `flowprobe exited without a message (${exitCode === null ? 'killed' : `exit code ${exitCode}`})`
        : stderr,
    );
  }
}

/** Characters of standard error kept for the error message. */
const MAX_STDERR_CHARACTERS = 2000;

/** Runs flowprobe and reads its flows. `stop` makes it report its last window and detach. */
export function flowprobeSource(options: FlowprobeOptions): FlowSource {
  const [command, ...commandArguments] = commandLine(options);
  const probe = spawn(command, commandArguments, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderrEnd = '';
  let stopped = false;
  probe.stderr.setEncoding('utf8');
  probe.stderr.on('data', (text: string) => {
    stderrEnd = (stderrEnd + text).slice(-MAX_STDERR_CHARACTERS);
    for (const line of text.split('\n')) if (line !== '') options.onMessage?.(line);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    probe.once('error', reject);
    probe.once('close', resolve);
  });
  // `windows` throws a failure to start; without this line it would also be an unhandled rejection.
  ended.catch(() => undefined);

  return {
    async *windows() {
      try {
        yield* probeWindows(probe.stdout, options.events);
        const exitCode = await ended;
        if (!stopped || exitCode !== 0) throw new ProbeExitedError(exitCode, stderrEnd.trim());
      } finally {
        // Also when the consumer stops iterating: flowprobe must not outlive it.
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
  // Not with `ip netns exec`, which hides the cgroup file system.
  return networkNamespace === undefined ? command : [...command, '--netns', `/run/netns/${networkNamespace}`];
}
