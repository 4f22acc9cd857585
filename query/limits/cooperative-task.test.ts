import { expect, it } from 'vitest';
import { runCooperatively } from './cooperative-task.js';

/** Work of some parts, which says how many it did. */
function* counting(parts: number, done: number[]): Generator<undefined, number> {
  for (let part = 0; part < parts; part++) {
    done.push(part);
    yield;
  }
  return done.length;
}

it('work lets others have their turn between its parts', async () => {
  const done: number[] = [];
  const seen: number[] = [];
  const look = () => {
    seen.push(done.length);
    if (done.length < 5) setImmediate(look);
  };
  setImmediate(look);
  expect(await runCooperatively(counting(5, done), new AbortController().signal)).toBe(5);
  expect(new Set(seen).size).toBeGreaterThan(3);
});

it('work ends where nobody waits for it any more', async () => {
  const done: number[] = [];
  const leaving = new AbortController();
  const work = runCooperatively(counting(1000, done), leaving.signal);
  setImmediate(() => leaving.abort(new Error('left')));
  await expect(work).rejects.toThrow('left');
  expect(done.length).toBeLessThan(1000);
});
