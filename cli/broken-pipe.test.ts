import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const sonde = fileURLToPath(new URL('dist/sonde.js', import.meta.url));

it('exits like a program that SIGPIPE ends when its output pipe is closed', async () => {
  const command = spawn(process.execPath, [sonde, 'completion', 'bash'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  command.stdout.destroy();
  const errors = text(command.stderr);
  const [code] = (await once(command, 'exit')) as [number | null];
  expect(await errors).toBe('');
  expect(code).toBe(141);
});
