import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);

/** A compiled program of this repository, as a process that tests can kill. */
export class TestProcess {
  /** The end of its standard error: its log. */
  log = '';
  output = '';
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** @param program a compiled JavaScript file. */
  constructor(program: string, programArguments: readonly string[], environment: NodeJS.ProcessEnv = {}) {
    this.#process = spawn(process.execPath, [program, ...programArguments], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#process.stderr
      ?.setEncoding('utf8')
      .on('data', (text: string) => (this.log = (this.log + text).slice(-MAX_LOG)));
    this.#ended = once(this.#process, 'close');
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Sends a signal and waits for the exit; returns the exit code, null if the signal killed it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#process.kill(signal);
    await this.#ended;
    return this.#process.exitCode;
  }

  /** Stops it (SIGSTOP) until SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process.kill(signal);
  }
}

const MAX_LOG = 100_000;

/** The compiled command `sonde`. */
export const sondeProgram = path.join(
  path.dirname(require.resolve('@sonde/cli/package.json')),
  'dist/sonde.js',
);

/** A compiled program of this workspace. */
export function testProgram(name: string): string {
  return path.join(path.dirname(require.resolve('@sonde/cli/package.json')), '../test/dist', name);
}
