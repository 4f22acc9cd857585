import { expect, it } from 'vitest';
import { Throttle } from './throttle.js';

it('does pieces of work in the order of their asking, and gives each its result', async () => {
  const pace = new Throttle();
  const done: number[] = [];
  const results = [1, 2, 3].map((number) => pace.run(() => done.push(number)));
  expect(await Promise.all(results)).toEqual([1, 2, 3]);
  expect(done).toEqual([1, 2, 3]);
});

it('goes on after work that failed, whose caller is told', async () => {
  const pace = new Throttle();
  const failing = pace.run(() => {
    throw new Error('broken');
  });
  const next = pace.run(() => 'done');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('done');
});

it('rests as long as it worked', async () => {
  let nowMs = 0;
  const rests: number[] = [];
  const rest = (ms: number) => {
    rests.push(ms);
    return Promise.resolve();
  };
  const pace = new Throttle(rest, () => nowMs);
  for (const ms of [8, 2, 4, 100]) await pace.run(() => (nowMs += ms));
  await pace.run(() => undefined);
  // What took a moment is added up: timers are no finer.
  expect(rests).toEqual([8, 6, 100]);
});
