import { expect, it } from 'vitest';
import { Throttle } from './throttle.js';

it('runs tasks in order and returns their results', async () => {
  const pace = new Throttle();
  const done: number[] = [];
  const results = [1, 2, 3].map((number) => pace.run(() => done.push(number)));
  expect(await Promise.all(results)).toEqual([1, 2, 3]);
  expect(done).toEqual([1, 2, 3]);
});

it('continues after a task that failed, and rejects for its caller', async () => {
  const pace = new Throttle();
  const failing = pace.run(() => {
    throw new Error('broken');
  });
  const next = pace.run(() => 'done');
  await expect(failing).rejects.toThrow('broken');
  expect(await next).toBe('done');
});

it('pauses as long as it worked', async () => {
  let nowMs = 0;
  const rests: number[] = [];
  const rest = (ms: number) => {
    rests.push(ms);
    return Promise.resolve();
  };
  const pace = new Throttle(rest, () => nowMs);
  for (const ms of [8, 2, 4, 100]) await pace.run(() => (nowMs += ms));
  await pace.run(() => undefined);
  // Short tasks are added up, because timers are not more precise.
  expect(rests).toEqual([8, 6, 100]);
});
