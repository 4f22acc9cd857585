import { describe, expect, it } from 'vitest';
import { MISS, ResultCache } from './result-cache.js';

describe('the result cache', () => {
  it('finds what was kept under the same connection', () => {
    const cache = new ResultCache(16);
    expect(cache.get(1, 2, 3, 0, 0, 0)).toBe(MISS);
    cache.set(1, 2, 3, 0, 0, 0, 42);
    expect(cache.get(1, 2, 3, 0, 0, 0)).toBe(42);
    expect(cache.get(2, 1, 3, 0, 0, 0)).toBe(MISS);
    expect(cache.get(1, 2, 3, 1, 0, 0)).toBe(MISS);
  });

  it('forgets by the epoch of either end, and keeps the newer result in the same place', () => {
    const cache = new ResultCache(16);
    cache.set(1, 2, 3, 0, 0, 0, 42);
    expect(cache.get(1, 2, 3, 0, 1, 0)).toBe(MISS);
    expect(cache.get(1, 2, 3, 0, 0, 1)).toBe(MISS);
    cache.set(1, 2, 3, 0, 1, 0, 43);
    expect(cache.get(1, 2, 3, 0, 1, 0)).toBe(43);
    expect(cache.get(1, 2, 3, 0, 0, 0)).toBe(MISS);
  });

  it('stays within its bounds: old entries make room, and no wrong one is ever found', () => {
    const cache = new ResultCache(64);
    const { bytes } = cache;
    for (let i = 0; i < 10_000; i++) cache.set(i, i + 1, 6, 0, 0, 0, i);
    let found = 0;
    for (let i = 0; i < 10_000; i++) {
      const result = cache.get(i, i + 1, 6, 0, 0, 0);
      if (result === MISS) continue;
      expect(result).toBe(i);
      found++;
    }
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThanOrEqual(64);
    expect(cache.bytes).toBe(bytes);
  });

  it('is empty after it is cleared', () => {
    const cache = new ResultCache(16);
    cache.set(1, 2, 3, 0, 0, 0, 42);
    cache.clear();
    expect(cache.get(1, 2, 3, 0, 0, 0)).toBe(MISS);
  });
});
