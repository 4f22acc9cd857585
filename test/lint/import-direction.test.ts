import path from 'node:path';
import { Linter } from 'eslint';
import { describe, expect, it } from 'vitest';
import { importDirection } from './import-direction.js';

const root = path.resolve(import.meta.dirname, '../..');

/** The rule's messages for a line of code in a file of the repository. */
function messages(file: string, code: string): string[] {
  const linter = new Linter({ cwd: root });
  const plugins = { sonde: { rules: { 'import-direction': importDirection } } };
  const config: Linter.Config[] = [{ plugins, rules: { 'sonde/import-direction': 'error' } }];
  return linter.verify(code, config, { filename: path.join(root, file) }).map(({ message }) => message);
}

describe('imports', () => {
  it.each([
    ['collector/collector.js', "import { x } from '@sonde/model/batch/batch';"],
    ['cli/sonde.js', "export * from '@sonde/enricher/pipeline/enrich';"],
    ['model/flow/rows.js', "import { y } from './fields.js';"],
    ['test/e2e/live.js', "await import('@sonde/cli/up/embedded');"],
    ['collector/collector.js', "import fs from 'node:fs';"],
    ['query-api/server.js', "import { x } from '@sonde/query/context';"],
    ['alerting/service.js', "import { x } from '@sonde/query/context';"],
    ['model/flow/rows.test.js', "import { x } from '@sonde/test/builders/records';"],
  ])('allows an import of a lower workspace: %s %s', (file, code) => {
    expect(messages(file, code)).toEqual([]);
  });

  it.each([
    [
      'model/flow/rows.js',
      "import { x } from '@sonde/backbone/logging';",
      /model\/ may not import backbone\//,
    ],
    [
      'collector/collector.js',
      "import { x } from '@sonde/enricher/pipeline/enrich';",
      /may not import enricher\//,
    ],
    [
      'enricher/enrich.js',
      "export { x } from '@sonde/collector/source/flow-source';",
      /may not import collector\//,
    ],
    ['query-api/server.js', "await import('@sonde/cli/up/embedded');", /may not import cli\//],
    [
      'collector/collector.js',
      "import { x } from '../model/flow/batch.js';",
      /not a path out of collector\//,
    ],
    ['query/context.js', "import { x } from '@sonde/query-api/server';", /may not import query-api\//],
    ['console/map.js', "import { x } from '@sonde/model/flow/fields';", /may not import model\//],
    ['model/flow/rows.js', "import { x } from '@sonde/test/builders/records';", /may not import test\//],
    ['model/flow/rows.test.js', "import { x } from '@sonde/cli/sonde';", /may not import cli\//],
    ['model/flow/rows.js', "import { x } from '@sonde/model/flow/fields';", /by a relative path/],
    ['model/flow/rows.js', "import fs from 'node:fs';", /model\/ is pure/],
  ])('rejects an import of a higher workspace or around a package name: %s %s', (file, code, reason) => {
    expect(messages(file, code)).toEqual([expect.stringMatching(reason)]);
  });
});
