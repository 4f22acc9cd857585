import { sondeCommand } from '@sonde/cli/commands';
import { vi } from 'vitest';

/** What a command wrote. */
export interface Printed {
  readonly output: string;
  readonly errors: string;
}

/** The terminal that a command runs in; a pipe if its width is undefined. */
export interface Terminal {
  readonly width: number | undefined;
}

/** Runs a command of `sonde` in this process, without colors. */
export async function runCommand(words: readonly string[], { width }: Terminal): Promise<Printed> {
  const printed = { output: '', errors: '' };
  const collect = (stream: NodeJS.WriteStream, key: keyof typeof printed) =>
    vi.spyOn(stream, 'write').mockImplementation((part: string | Uint8Array) => {
      printed[key] += typeof part === 'string' ? part : Buffer.from(part).toString('latin1');
      return true;
    });
  const { isTTY, columns } = process.stdout;
  const writes = [collect(process.stdout, 'output'), collect(process.stderr, 'errors')];
  vi.stubEnv('NO_COLOR', '1');
  Object.assign(process.stdout, { isTTY: width !== undefined, columns: width });
  try {
    await (await sondeCommand(words)).parseAsync([...words], { from: 'user' });
  } finally {
    Object.assign(process.stdout, { isTTY, columns });
    for (const write of writes) write.mockRestore();
    vi.unstubAllEnvs();
  }
  return printed;
}
