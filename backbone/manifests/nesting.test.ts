import { describe, expect, it } from 'vitest';
import { tokenize, UnreadableYamlError } from './nesting.js';

const indented = (levels: number, line: (indent: string) => string) =>
  Array.from({ length: levels }, (_, level) => line(' '.repeat(level))).join('\n');

/** The line at which a text nests too deep; undefined if it does not. */
function deepLine(text: string): number | undefined {
  try {
    expect([...tokenize(text)].length).toBeGreaterThan(0);
    return undefined;
  } catch (error) {
    if (!(error instanceof UnreadableYamlError)) throw error;
    return error.line;
  }
}

describe('nesting', () => {
  it.each([
    ['brackets', '['.repeat(100_000), 1],
    ['braces in a value', `a: 1\nb: ${'{a: '.repeat(100_000)}`, 2],
    ['brackets on lines of their own', '[\n'.repeat(100_000), 121],
    ['lists within lists', '- '.repeat(100_000), 1],
    ['keys within keys', '? '.repeat(100_000), 1],
    ['indentation', indented(1000, (indent) => `${indent}a:`), 122],
    ['lists at the place of their keys', indented(1000, (indent) => `${indent}a:\n${indent}-`), 242],
  ])('that is too deep is found, of %s', (_what, text, line) => {
    expect(deepLine(text)).toBe(line);
  });

  it.each([
    ['brackets in texts', `a: "${'['.repeat(500)}"\nb: |\n  ${'['.repeat(500)}\n# ${'['.repeat(500)}`],
    ['brackets that were closed', '[]: 1\n'.repeat(500)],
    ['spaces in texts', `a: |\n  ${' '.repeat(500)}x\nb: 1${' '.repeat(500)}# x`],
    ['dashes in texts', `a: ${'- '.repeat(500)}\n---\nb: 1`],
    ['a hundred levels', indented(100, (indent) => `${indent}a:`)],
  ])('is no matter of %s', (_what, text) => {
    expect(deepLine(text)).toBeUndefined();
  });
});
