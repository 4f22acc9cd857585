import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Linter } from 'eslint';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../fixtures/temporary-directory.js';
import { folderCircles } from './folder-circles.js';

/** The rule's messages for all files of a workspace `model` with these contents. */
function messages(files: Readonly<Record<string, string>>): string[] {
  const root = temporaryDirectory('circles');
  for (const [name, content] of Object.entries({ 'package.json': '{}', ...files })) {
    const file = path.join(root, 'model', name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  const linter = new Linter({ cwd: root });
  const plugins = { sonde: { rules: { 'folder-circles': folderCircles } } };
  const config: Linter.Config[] = [{ plugins, rules: { 'sonde/folder-circles': 'error' } }];
  return Object.keys(files).flatMap((name) => {
    const filename = path.join(root, 'model', name);
    return linter.verify(readFileSync(filename, 'utf8'), config, { filename }).map(({ message }) => message);
  });
}

describe('folder circles', () => {
  it('rejects two folders that import each other, at both imports', () => {
    expect(
      messages({
        'dns/a.js': "import { b } from '../flow/b.js';",
        'flow/c.js': "export * from '../dns/a.js';",
      }),
    ).toEqual([
      'Folders import each other in a circle: model/dns → model/flow → model/dns.',
      'Folders import each other in a circle: model/flow → model/dns → model/flow.',
    ]);
  });

  it('rejects a circle through a third folder', () => {
    expect(
      messages({
        'a/a.js': "import '../b/b.js';",
        'b/b.js': "import {\n  c,\n} from '../c/c.js';",
        'c/c.js': "await import('../a/a.js');",
      }),
    ).toHaveLength(3);
  });

  it('rejects a folder and its own sub-folder that import each other', () => {
    expect(
      messages({ 'flow/a.js': "import './net/b.js';", 'flow/net/b.js': "import '../a.js';" }),
    ).toHaveLength(2);
  });

  it('counts type-only imports of TypeScript files', () => {
    expect(
      messages({
        'a/a.js': "import { b } from '../b/b.js';",
        'b/b.ts': "import type { A } from '../a/a.js';",
      }),
    ).toContain('Folders import each other in a circle: model/a → model/b → model/a.');
  });

  it('allows imports in one direction and imports by unit tests', () => {
    expect(
      messages({
        'a/a.js': "import '../b/b.js'; import './other.js';",
        'b/b.js': "import fs from 'node:fs';",
        'b/b.test.js': "import '../a/a.js';",
      }),
    ).toEqual([]);
  });
});
