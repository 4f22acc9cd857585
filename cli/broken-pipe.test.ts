import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const sonde = fileURLToPath(new URL('dist/sonde.js', import.meta.url));

it('a command whose reader has gone ends by a signal, without an error', async () => {
  const command = spawn(process.execPath, [sonde, 'completion', 'bash'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  command.stdout.destroy();
  const complaint = text(command.stderr);
  const [, signal] = (await once(command, 'exit')) as [number | null, NodeJS.Signals | null];
  expect(await complaint).toBe('');
  expect(signal).toBe('SIGTERM');
});
