import { describe, expect, it } from 'vitest';
import { conditionsOf, filterOf, negated, withCondition, withoutCondition } from './conditions.js';

describe('a filter as conditions', () => {
  it.each([
    ['', []],
    ['action == "deny"', ['action == "deny"']],
    ['a == 1 && b == 2', ['a == 1', 'b == 2']],
    ['src.name == "a && b" && c', ['src.name == "a && b"', 'c']],
    ['either(namespace == "x" && port == 1) && d', ['either(namespace == "x" && port == 1)', 'd']],
    ['a && b || c', ['a && b || c']],
    ['(a || b) && c', ['(a || b)', 'c']],
    ['x.contains("\\"&&") && y', ['x.contains("\\"&&")', 'y']],
  ])('splits %s', (filter, conditions) => {
    expect(conditionsOf(filter)).toEqual(conditions);
  });

  it('puts parentheses around alternatives when another condition is added', () => {
    expect(withCondition('a || b', 'c')).toBe('(a || b) && c');
  });

  it('adds a condition once', () => {
    expect(withCondition('a && b', 'b')).toBe('a && b');
  });

  it('removes a condition', () => {
    expect(withoutCondition('a && b && c', 1)).toBe('a && c');
    expect(withoutCondition('a', 0)).toBe('');
  });

  it('is the same filter after splitting and joining', () => {
    const filter = 'src.namespace == "shop" && (a || b) && either(labels["app"] == "x")';
    expect(filterOf(conditionsOf(filter))).toBe(filter);
  });
});

describe('negating a condition', () => {
  it.each([
    ['action == "deny"', 'action != "deny"'],
    ['src.labels["app"] == "x"', 'src.labels["app"] != "x"'],
    ['either(namespace == "a")', '!either(namespace == "a")'],
    ['bytes_out > 5', '!(bytes_out > 5)'],
    ['(a || b)', '!((a || b))'],
  ])('of %s is %s, and back', (condition, opposite) => {
    expect(negated(condition)).toBe(opposite);
    expect(negated(opposite)).toBe(condition);
  });
});
