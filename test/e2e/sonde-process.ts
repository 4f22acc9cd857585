import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';

const program = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@sonde/cli/package.json')),
  'dist/sonde.js',
);

/** The command `sonde`, running. */
export class SondeProcess {
  output = '';
  errors = '';
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** `input` is its standard input, to the end; none if absent. */
  constructor(commandArguments: readonly string[], environment: NodeJS.ProcessEnv = {}, input?: Buffer) {
    const env = { ...process.env, ...environment };
    this.#process = spawn(process.execPath, [program, ...commandArguments], {
      env,
      stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    this.#process.stdin?.end(input);
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    this.#ended = once(this.#process, 'close');
  }

  /** Sends a signal, waits for the end, and tells the exit code (null if the signal killed it). */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    this.#process.kill(signal);
    await this.#ended;
    return this.#process.exitCode;
  }

  /** Waits for it to end by itself. */
  async exitCode(): Promise<number | null> {
    await this.#ended;
    return this.#process.exitCode;
  }

  /** Where its API answers; throws until it has said so. */
  get url(): string {
    const url = /The console is at (http:\/\/[^,]+)/.exec(this.errors)?.[1];
    if (url === undefined) throw new Error(`no API yet: ${this.errors}`);
    return url;
  }
}
