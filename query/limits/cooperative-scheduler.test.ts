import { describe, expect, it } from 'vitest';
import { CooperativeScheduler } from './cooperative-scheduler.js';

const never = new AbortController().signal;

/** A scheduler whose clock advances by a slice with each step, so that a slice is one step. */
function stepwiseScheduler() {
  let nowMs = 0;
  return new CooperativeScheduler(() => (nowMs += 4));
}

/** A task of several steps that records each one. */
function* recording(name: string, steps: number, record: string[]): Generator<undefined, string> {
  for (let step = 0; step < steps; step++) {
    record.push(name);
    yield;
  }
  return name;
}

describe('a cooperative scheduler', () => {
  it('gives identities equal shares, however many tasks each has', async () => {
    const scheduler = stepwiseScheduler();
    const record: string[] = [];
    const running = [
      ...Array.from({ length: 8 }, () => scheduler.run('ada', recording('ada', 5, record), never)),
      scheduler.run('bob', recording('bob', 5, record), never),
    ];
    expect(await running.at(-1)).toBe('bob');
    expect(record.filter((name) => name === 'ada').length).toBeLessThanOrEqual(6);
    await Promise.all(running);
    expect(record).toHaveLength(45);
  });

  it('returns to the event loop between slices', async () => {
    const scheduler = stepwiseScheduler();
    let turns = 0;
    const count = () => {
      turns += 1;
      immediate = setImmediate(count);
    };
    let immediate = setImmediate(count);
    await scheduler.run('ada', recording('ada', 20, []), never);
    clearImmediate(immediate);
    expect(turns).toBeGreaterThanOrEqual(20);
  });

  it('rejects with the error of a task and continues with others', async () => {
    const scheduler = new CooperativeScheduler();
    const failing = (function* (): Generator<undefined, never> {
      yield;
      throw new Error('broken');
    })();
    const failed = scheduler.run('ada', failing, never);
    const other = scheduler.run('ada', recording('other', 3, []), never);
    await expect(failed).rejects.toThrow('broken');
    expect(await other).toBe('other');
  });

  it('stops a task whose signal aborts', async () => {
    const scheduler = stepwiseScheduler();
    const record: string[] = [];
    const controller = new AbortController();
    const running = scheduler.run('ada', recording('ada', 1000, record), controller.signal);
    setImmediate(() => controller.abort(new Error('disconnected')));
    await expect(running).rejects.toThrow('disconnected');
    expect(record.length).toBeLessThan(1000);
  });
});
