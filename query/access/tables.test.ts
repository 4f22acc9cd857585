import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '..');

/** The only file that names tables in statements. */
const ALLOWED = path.join('access', 'visible.ts');

/** The names of the tables, and the constant for that of objects. */
const NAMES_TABLE =
  /\b(?:FROM|JOIN|TABLE|IN)\s+`?(?:flows|dns|cluster_objects|migrations|system)\b|clusterObjectsTable/;

/** The name of a table from its declaration, inside a statement. */
const FROM_DECLARATION = /\b(?:FROM|JOIN)\s+\$\{[^}]*(?:[tT]able|\.name)\b[^}]*\}/;

describe('the tables of the store', () => {
  it('are named in statements by the access rules only', () => {
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && !/\.test\.ts$|\.d\.ts$|^(?:dist|node_modules|testing)\//.test(file),
    );
    expect(files).toContain(ALLOWED);
    const naming = files.filter((file) => {
      const text = readFileSync(path.join(root, file), 'utf8');
      return NAMES_TABLE.test(text) || FROM_DECLARATION.test(text);
    });
    expect(naming.filter((file) => file !== ALLOWED)).toEqual([]);
  });
});
