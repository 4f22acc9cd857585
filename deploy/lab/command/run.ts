import { spawn } from 'node:child_process';

/** A program and its arguments; no shell is involved. */
export type Command = readonly [program: string, ...args: string[]];

export interface CommandResult {
  /** Exit code, or null when a signal ended the program. */
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command exited with a code other than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';

  constructor(
    readonly command: Command,
    readonly result: CommandResult,
  ) {
    const said = result.stderr.trim() || result.stdout.trim() || 'it said nothing';
    super(`"${command.join(' ')}" ended with ${String(result.code ?? 'a signal')}: ${said}`);
  }
}

/** Where programs are looked for: the caller's path, and the system's, which a plain user's path may lack. */
export const searchPath = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(':');

/**
 * Runs a command to its end, with `input` on its standard input. Resolves whatever the exit code is; rejects when
 * the program cannot be started. After `timeoutMs` it is killed, which shows as code null.
 */
export function execute(
  command: Command,
  options: { input?: string; timeoutMs?: number } = {},
): Promise<CommandResult> {
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      env: { ...process.env, PATH: searchPath },
      ...(options.timeoutMs === undefined
        ? {}
        : { timeout: options.timeoutMs, killSignal: 'SIGKILL' as const }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    // A program that exits without reading its input is reported by its exit code.
    child.stdin.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') reject(error);
    });
    child.stdin.end(options.input ?? '');
  });
}

/**
 * Runs a command and returns its standard output.
 * @throws {CommandFailed} when the exit code is not 0.
 */
export async function run(command: Command, options: { input?: string } = {}): Promise<string> {
  const result = await execute(command, options);
  if (result.code !== 0) throw new CommandFailed(command, result);
  return result.stdout;
}
