import { expect, it } from 'vitest';
import { runCooperatively } from './cooperative-task.js';

/** A task of several parts that records those that ran. */
function* counting(parts: number, done: number[]): Generator<undefined, number> {
  for (let part = 0; part < parts; part++) {
    done.push(part);
    yield;
  }
  return done.length;
}

it('a task returns to the event loop between its parts', async () => {
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

it('a task ends when it is aborted', async () => {
  const done: number[] = [];
  const leaving = new AbortController();
  const work = runCooperatively(counting(1000, done), leaving.signal);
  setImmediate(() => leaving.abort(new Error('left')));
  await expect(work).rejects.toThrow('left');
  expect(done.length).toBeLessThan(1000);
});
