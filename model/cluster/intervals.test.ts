import { describe, expect, it } from 'vitest';
import { Intervals, NOBODY } from './intervals.js';

const THING = 3;
const [FIRST, SECOND, THIRD] = [1, 2, 3];

describe('intervals of owners', () => {
  it('do not depend on the order of events', () => {
    const holds = [
      [FIRST, 1000],
      [SECOND, 2000],
      [THIRD, 3000],
    ] as const;
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
    ]) {
      const intervals = new Intervals();
      for (const index of order) {
        const [owner, from] = holds[index] ?? [NOBODY, 0];
        intervals.assign(THING, owner, from);
      }
      const found = [999, 1000, 1999, 2000, 2999, 3000].map((time) => intervals.lookup(THING, time));
      expect(found).toEqual([NOBODY, FIRST, FIRST, SECOND, SECOND, THIRD]);
    }
  });

  it('keep the former owner until its end while the start of the newer one is not certain', () => {
    const intervals = new Intervals();
    intervals.assign(THING, FIRST, 1000);
    intervals.assign(THING, SECOND, 2000, 2500);
    intervals.release(THING, FIRST, 2300);
    expect([2000, 2299, 2300, 2500].map((time) => intervals.lookup(THING, time))).toEqual([
      FIRST,
      FIRST,
      SECOND,
      SECOND,
    ]);
  });

  it('prefer the newer of two owners, and return to the earlier one when the newer ends', () => {
    const intervals = new Intervals();
    intervals.assign(THING, FIRST, 1000);
    intervals.assign(THING, SECOND, 2000, 2500);
    expect(intervals.lookup(THING, 2600)).toBe(SECOND);
    intervals.release(THING, SECOND, 3000);
    expect([2600, 2999, 3000].map((time) => intervals.lookup(THING, time))).toEqual([SECOND, SECOND, FIRST]);
    intervals.release(THING, FIRST, 3500);
    expect([3499, 3500].map((time) => intervals.lookup(THING, time))).toEqual([FIRST, NOBODY]);
  });

  it('keep the earlier of two live owners while the newer lives, however long', () => {
    const intervals = new Intervals();
    intervals.assign(THING, FIRST, 1000);
    intervals.assign(THING, SECOND, 2000);
    const forgotten: number[] = [];
    intervals.forget(THING + 1, 10_000, (owner) => forgotten.push(owner));
    expect(forgotten).toEqual([]);
    intervals.release(THING, SECOND, 20_000);
    expect(intervals.lookup(THING, 20_000)).toBe(FIRST);
  });

  it('accept an earlier start later', () => {
    const intervals = new Intervals();
    intervals.assign(THING, FIRST, 5000);
    expect(intervals.assign(THING, FIRST, 2000)).toBe(false);
    expect(intervals.lookup(THING, 2000)).toBe(FIRST);
    expect(intervals.size).toBe(1);
  });

  it('are forgotten if they ended before the horizon, and their memory is reused', () => {
    const intervals = new Intervals();
    intervals.assign(THING, FIRST, 1000);
    intervals.assign(THING, SECOND, 2000);
    intervals.assign(THING, THIRD, 3000);
    intervals.release(THING, FIRST, 2000);
    intervals.release(THING, SECOND, 3000);
    const forgotten: number[] = [];
    intervals.forget(THING + 1, 2500, (owner) => forgotten.push(owner));
    expect(forgotten).toEqual([FIRST]);
    expect([1500, 2500, 3000].map((time) => intervals.lookup(THING, time))).toEqual([NOBODY, SECOND, THIRD]);
    intervals.release(THING, THIRD, 4000);
    intervals.forget(THING + 1, 4000, (owner) => forgotten.push(owner));
    expect(forgotten).toEqual([FIRST, THIRD, SECOND]);
    expect(intervals.isKnown(THING)).toBe(false);
    expect(intervals.size).toBe(0);
  });
});
