import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

it('warnings of Node and of libraries are JSON lines', () => {
  const script = `
    import { createLogger, logProcessWarnings } from ${JSON.stringify(path.join(import.meta.dirname, 'dist/logging.js'))};
    logProcessWarnings(createLogger('test'));
    process.emitWarning('keep-alive socket', { code: 'X1' });
    console.warn('client warning %d', 7);
    console.error(new Error('client error'));
  `;
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  const lines = stderr
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines).toMatchObject(
    expect.arrayContaining([
      expect.objectContaining({ msg: 'process warning' }),
      expect.objectContaining({ msg: 'library warning', warning: 'client warning 7' }),
      expect.objectContaining({ msg: 'library error' }),
    ]),
  );
  expect(lines).toHaveLength(3);
});
