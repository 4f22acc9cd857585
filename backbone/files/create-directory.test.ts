import { existsSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { describe, expect, it } from 'vitest';
import { createDirectory } from './create-directory.js';

describe('createDirectory', () => {
  it('creates missing parents, also if another call does so at the same time', async () => {
    const root = temporaryDirectory('create');
    const directory = path.join(root, 'a/b/c');
    await Promise.all([createDirectory(directory), createDirectory(directory), createDirectory(directory)]);
    expect(statSync(directory).isDirectory()).toBe(true);
    await createDirectory(directory);
  });

  it('creates directories with the given permissions', async () => {
    const directory = path.join(temporaryDirectory('create'), 'private');
    await createDirectory(directory, 0o700);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
  });

  it('fails if a part of the path is a file', async () => {
    const root = temporaryDirectory('create');
    const file = path.join(root, 'file');
    writeFileSync(file, '');
    for (const directory of [file, path.join(file, 'data/chdb')]) {
      await expect(createDirectory(directory)).rejects.toMatchObject({
        code: 'SONDE_DIRECTORY_NOT_USABLE',
        message: `cannot create the directory ${directory}: ${file} is not a directory; use another directory`,
      });
    }
  });

  it.skipIf(!existsSync('/proc/self'))('fails at once where no directory can be created', async () => {
    await expect(createDirectory('/proc/sonde/data')).rejects.toThrow(
      'cannot create the directory /proc/sonde/data: the file system of /proc does not allow it; use another directory',
    );
  });
});
