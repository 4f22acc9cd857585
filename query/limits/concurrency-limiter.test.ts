import { describe, expect, it } from 'vitest';
import { ConcurrencyLimiter } from './concurrency-limiter.js';

const never = new AbortController().signal;

/** Lets pending promises settle. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a concurrency limiter', () => {
  it('runs tasks up to the limit, then in order of arrival', async () => {
    const limiter = new ConcurrencyLimiter({ concurrent: 2, waiting: 10 });
    const order: string[] = [];
    const ends = new Map<string, (() => void) | undefined>();
    for (const name of ['a', 'b', 'c', 'd']) {
      void limiter.acquire('ada', never).then((end) => {
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

  it('limits each key separately', async () => {
    const limiter = new ConcurrencyLimiter({ concurrent: 1, waiting: 1 });
    await limiter.acquire('ada', never);
    expect(await limiter.acquire('bob', never)).toBeTypeOf('function');
  });

  it('refuses tasks when too many are waiting', async () => {
    const limiter = new ConcurrencyLimiter({ concurrent: 1, waiting: 1 });
    const end = await limiter.acquire('ada', never);
    const second = limiter.acquire('ada', never);
    expect(await limiter.acquire('ada', never)).toBeUndefined();
    end?.();
    expect(await second).toBeTypeOf('function');
  });

  it('releases a task once, however often it is called', async () => {
    const limiter = new ConcurrencyLimiter({ concurrent: 1, waiting: 5 });
    const end = await limiter.acquire('ada', never);
    const order: number[] = [];
    for (const number of [1, 2]) void limiter.acquire('ada', never).then(() => order.push(number));
    end?.();
    end?.();
    await settled();
    expect(order).toEqual([1]);
    expect(limiter.running('ada')).toBe(1);
  });

  it('frees the place of a task that is canceled while waiting', async () => {
    const limiter = new ConcurrencyLimiter({ concurrent: 1, waiting: 1 });
    const end = await limiter.acquire('ada', never);
    const leaving = new AbortController();
    const left = limiter.acquire('ada', leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    const next = limiter.acquire('ada', never);
    end?.();
    (await next)?.();
    expect(limiter.running('ada')).toBe(0);
  });
});
