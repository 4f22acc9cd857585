import { describe, expect, it } from 'vitest';
import { selects } from './evaluate.js';
import { formatSelector } from '@sonde/test/builders/selector-text';
import { fromLabelSelector } from './label-selector.js';
import { parseSelector } from './parse.js';
import { SelectorError } from './selector.js';

const matches = (text: string, labels: Record<string, string>) =>
  selects(parseSelector(text), new Map(Object.entries(labels)));

const errorOf = (text: string) => {
  try {
    parseSelector(text);
  } catch (error) {
    if (error instanceof SelectorError) return [error.message, error.position];
  }
  return undefined;
};

describe("Calico's selector language", () => {
  it('reads the empty text as everything', () => {
    expect(matches('', {})).toBe(true);
    expect(matches(' \t', { a: 'b' })).toBe(true);
  });

  it('binds ! to one operand, && tighter than ||', () => {
    expect(matches("!a == 'b' && c == 'd'", { a: 'x', c: 'd' })).toBe(true);
    expect(matches("!a == 'b' && c == 'd'", { a: 'b', c: 'd' })).toBe(false);
    expect(matches("a == '1' || b == '1' && c == '1'", { a: '1' })).toBe(true);
    expect(matches("(a == '1' || b == '1') && c == '1'", { a: '1' })).toBe(false);
    expect(matches('!!has(a)', { a: '' })).toBe(true);
  });

  it('holds != and "not in" true of a missing label, and every other comparison false', () => {
    for (const text of ["a != 'x'", "a not in {'x'}", 'a not in {}'])
      expect(matches(text, {}), text).toBe(true);
    for (const text of ["a == 'x'", "a in {'x'}", "a contains 'x'", "a starts with 'x'", "a ends with ''"]) {
      expect(matches(text, {}), text).toBe(false);
    }
  });

  it('compares parts of values, in one word or two', () => {
    expect(matches('a contains "dd" && a startswith "mi" && a ends with "le"', { a: 'middle' })).toBe(true);
    expect(matches('a starts with "iddle"', { a: 'middle' })).toBe(false);
  });

  it('lets strings in one kind of quotes hold the other, and labels be called as operators are', () => {
    expect(matches(`a in {"'", '"'}`, { a: '"' })).toBe(true);
    expect(matches(`in in {"in"} && contains == 'not'`, { in: 'in', contains: 'not' })).toBe(true);
  });

  it('admits an empty set and a comma at its end', () => {
    expect(matches("a in {'x',}", { a: 'x' })).toBe(true);
    expect(matches('a in {}', { a: 'x' })).toBe(false);
  });

  it('names what is wrong and where', () => {
    expect(errorOf('a == b')).toEqual(['expected a quoted string', 5]);
    expect(errorOf('a = "b"')).toEqual(['expected ==', 2]);
    expect(errorOf("a == 'b")).toEqual(['the string has no closing quote', 5]);
    expect(errorOf("a == 'b' c")).toEqual(['expected the end, && or ||', 9]);
    expect(errorOf('a')).toEqual(['expected an operator after the label', 1]);
    expect(errorOf('has()')).toEqual(['expected a label name', 4]);
    expect(errorOf('(has(a)')).toEqual(['expected )', 7]);
    expect(errorOf('a in {"b"')).toEqual(['expected }', 9]);
    expect(errorOf('a && %')).toEqual(['expected a label name', 5]);
    expect(errorOf(`${'a'.repeat(513)} == ""`)).toEqual(['the label name is longer than 512 characters', 0]);
  });

  it('may nest parentheses a hundred deep, and be as long as it likes otherwise', () => {
    const nested = (levels: number) => `${'('.repeat(levels)}has(a)${')'.repeat(levels)}`;
    expect(matches(nested(100), { a: '' })).toBe(true);
    expect(matches(Array.from({ length: 1000 }, () => nested(1)).join(' && '), { a: '' })).toBe(true);
    expect(matches(`${'!'.repeat(100_000)}has(a)`, { a: '' })).toBe(true);
    for (const levels of [101, 5000, 200_000]) {
      expect(errorOf(nested(levels))).toEqual(['parentheses are nested more than 100 deep', 100]);
    }
  });

  it('has one canonical text for each meaning', () => {
    expect(formatSelector(parseSelector(" (a=='x'&&( !has(b) ))||c in{'z','y',}"))).toBe(
      '((a == "x" && !has(b)) || c in {"y", "z"})',
    );
    const canonical = formatSelector(parseSelector(`a != '"' || all()`));
    expect(formatSelector(parseSelector(canonical))).toBe(canonical);
  });
});

describe('Kubernetes label selectors', () => {
  const selected = (
    selector: Partial<Parameters<typeof fromLabelSelector>[0]>,
    labels: Record<string, string>,
  ) =>
    selects(
      fromLabelSelector({ matchLabels: {}, matchExpressions: [], ...selector }),
      new Map(Object.entries(labels)),
    );

  it('select everything if empty', () => {
    expect(selected({}, {})).toBe(true);
  });

  it('ask for all labels and all expressions', () => {
    const selector = {
      matchLabels: { a: '1' },
      matchExpressions: [{ key: 'b', operator: 'Exists' as const, values: [] }],
    };
    expect(selected(selector, { a: '1', b: '' })).toBe(true);
    expect(selected(selector, { a: '1' })).toBe(false);
  });

  it('hold NotIn and DoesNotExist true of a missing key, In and Exists false', () => {
    const holds = (operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist') =>
      selected({ matchExpressions: [{ key: 'a', operator, values: ['x'] }] }, {});
    expect([holds('NotIn'), holds('DoesNotExist'), holds('In'), holds('Exists')]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});
