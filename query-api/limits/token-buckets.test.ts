import { describe, expect, it } from 'vitest';
import { TokenBuckets } from './token-buckets.js';

describe('a token bucket', () => {
  it('allows a burst, then the sustained rate', () => {
    let nowMs = 0;
    const buckets = new TokenBuckets({ burst: 3, perSecond: 2 }, () => nowMs);
    const take = () => buckets.take('ada');
    expect([take(), take(), take()]).toEqual([0, 0, 0]);
    expect(take()).toBeCloseTo(0.5);
    nowMs = 400;
    expect(take()).toBeCloseTo(0.1);
    nowMs = 500;
    expect(take()).toBe(0);
    expect(take()).toBeGreaterThan(0);
  });

  it('never has more tokens than the burst', () => {
    let nowMs = 0;
    const buckets = new TokenBuckets({ burst: 2, perSecond: 100 }, () => nowMs);
    nowMs = 1e9;
    expect([1, 2, 3].map(() => buckets.take('ada') === 0)).toEqual([true, true, false]);
  });

  it('takes tokens back, up to the burst', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, () => 0);
    expect(buckets.take('ada')).toBe(0);
    for (let i = 0; i < 3; i++) buckets.giveBack('ada');
    expect([buckets.take('ada'), buckets.take('ada')]).toEqual([0, 1]);
  });

  it('exists per key', () => {
    const buckets = new TokenBuckets({ burst: 1, perSecond: 1 }, () => 0);
    expect(buckets.take('ada')).toBe(0);
    expect(buckets.take('ada')).toBe(1);
    expect(buckets.take('bob')).toBe(0);
  });

  it('without a limit never runs out', () => {
    const buckets = new TokenBuckets({ burst: Infinity, perSecond: 1 });
    for (let i = 0; i < 1000; i++) expect(buckets.take('local')).toBe(0);
  });
});
