import { readFileSync } from 'node:fs';
import path from 'node:path';
import { problemTypes } from '@sonde/query-api/http/problem-types';
import { expect, it } from 'vitest';

const page = readFileSync(path.join(import.meta.dirname, '../../docs/errors.md'), 'utf8');

/** The rows of the table: code, status, title, cause, what to do. */
const rows = [...page.matchAll(/^\| `(SONDE_\w+)` \|(.*)\|$/gm)].map(([, code = '', rest = '']) => [
  code,
  ...rest.split(' | ').map((cell) => cell.trim()),
]);

it('docs/errors.md lists every error with its status and title', () => {
  const listed = rows.map(([code, status, title]) => [code, { status: Number(status), title }]);
  expect(listed).toEqual(Object.entries(problemTypes));
});

it('docs/errors.md gives a cause and an action for every error', () => {
  for (const [code, , , cause, action] of rows) {
    expect(cause, code).toMatch(/^[A-Z].*\.$/);
    expect(action, code).toMatch(/^[A-Z].*\.$/);
  }
});
