import path from 'node:path';
import { Linter } from 'eslint';
import { describe, expect, it } from 'vitest';
import { importDirection } from './import-direction.js';

const root = path.resolve(import.meta.dirname, '../..');

/** What the rule says of a line of code in a file of the repository. */
function complaints(file: string, code: string): string[] {
  const linter = new Linter({ cwd: root });
  const plugins = { sonde: { rules: { 'import-direction': importDirection } } };
  const config: Linter.Config[] = [{ plugins, rules: { 'sonde/import-direction': 'error' } }];
  return linter.verify(code, config, { filename: path.join(root, file) }).map(({ message }) => message);
}

describe('imports', () => {
  it.each([
    ['collector/collector.js', "import { x } from '@sonde/model/batch/batch';"],
    ['cli/sonde.js', "export * from '@sonde/enricher/enrich';"],
    ['model/flow/rows.js', "import { y } from './fields.js';"],
    ['test/e2e/live.js', "await import('@sonde/cli/up/embedded');"],
    ['collector/collector.js', "import fs from 'node:fs';"],
  ])('downward are allowed: %s %s', (file, code) => {
    expect(complaints(file, code)).toEqual([]);
  });

  it.each([
    [
      'model/flow/rows.js',
      "import { x } from '@sonde/backbone/logging';",
      /model\/ may not import backbone\//,
    ],
    ['collector/collector.js', "import { x } from '@sonde/enricher/enrich';", /may not import enricher\//],
    ['enricher/enrich.js', "export { x } from '@sonde/collector/source';", /may not import collector\//],
    ['query-api/server.js', "await import('@sonde/cli/up/embedded');", /may not import cli\//],
    [
      'collector/collector.js',
      "import { x } from '../model/flow/batch.js';",
      /not a path out of collector\//,
    ],
    ['model/flow/rows.js', "import { x } from '@sonde/model/flow/fields';", /by a relative path/],
    ['model/flow/rows.js', "import fs from 'node:fs';", /model\/ is pure/],
  ])('upward, sideways or around the package name are refused: %s %s', (file, code, reason) => {
    expect(complaints(file, code)).toEqual([expect.stringMatching(reason)]);
  });
});
