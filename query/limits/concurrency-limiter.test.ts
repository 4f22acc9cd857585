import { describe, expect, it } from 'vitest';
import { ConcurrencyLimiter } from './concurrency-limiter.js';

const patient = new AbortController().signal;

/** Lets everything happen that can. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('are given at once while there are any, and then in the order they were asked for', async () => {
    const turns = new ConcurrencyLimiter({ concurrent: 2, waiting: 10 });
    const order: string[] = [];
    const ends = new Map<string, (() => void) | undefined>();
    for (const name of ['a', 'b', 'c', 'd']) {
      void turns.acquire('ada', patient).then((end) => {
        order.push(name);
        ends.set(name, end);
      });
    }
    await settled();
    expect(order).toEqual(['a', 'b']);
    ends.get('b')?.();
    await settled();
    expect(order).toEqual(['a', 'b', 'c']);
    ends.get('a')?.();
    await settled();
    expect(order).toEqual(['a', 'b', 'c', 'd']);
  });

  it('of one do not make another wait', async () => {
    const turns = new ConcurrencyLimiter({ concurrent: 1, waiting: 1 });
    await turns.acquire('ada', patient);
    expect(await turns.acquire('bob', patient)).toBeTypeOf('function');
  });

  it('are refused when too many wait', async () => {
    const turns = new ConcurrencyLimiter({ concurrent: 1, waiting: 1 });
    const end = await turns.acquire('ada', patient);
    const second = turns.acquire('ada', patient);
    expect(await turns.acquire('ada', patient)).toBeUndefined();
    end?.();
    expect(await second).toBeTypeOf('function');
  });

  it('are given back once, however often their end is told', async () => {
    const turns = new ConcurrencyLimiter({ concurrent: 1, waiting: 5 });
    const end = await turns.acquire('ada', patient);
    const order: number[] = [];
    for (const number of [1, 2]) void turns.acquire('ada', patient).then(() => order.push(number));
    end?.();
    end?.();
    await settled();
    expect(order).toEqual([1]);
    expect(turns.running('ada')).toBe(1);
  });

  it('are not waited for by who has gone, whose place is free again', async () => {
    const turns = new ConcurrencyLimiter({ concurrent: 1, waiting: 1 });
    const end = await turns.acquire('ada', patient);
    const leaving = new AbortController();
    const left = turns.acquire('ada', leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    const next = turns.acquire('ada', patient);
    end?.();
    (await next)?.();
    expect(turns.running('ada')).toBe(0);
  });
});
