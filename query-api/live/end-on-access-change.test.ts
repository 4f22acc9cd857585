import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Access, accessOf } from '@sonde/query/access/access';
import { endOnAccessChange } from './end-on-access-change.js';
import { Subscriber } from './subscriber.js';

const MINUTE_MS = 60_000;
const start = Date.parse('2026-03-01T00:00:00Z');

beforeEach(() => {
  vi.useFakeTimers({ now: start });
});

afterEach(() => {
  vi.useRealTimers();
});

function viewing(namespace: string, untilMs: number): Access {
  return accessOf('oidc:ada', [{ rights: ['view'], namespaces: [namespace] }], untilMs);
}

/** A live stream, the number of access checks, and whether the stream has ended. */
function view(first: Access, again: () => Promise<Access>) {
  const viewer = new Subscriber();
  const looked = vi.fn(again);
  const ended = vi.spyOn(viewer, 'end');
  const changes = new EventEmitter();
  endOnAccessChange(viewer, first, {
    refresh: looked,
    onChange(listener) {
      changes.on('change', listener);
      return () => changes.off('change', listener);
    },
  });
  return { viewer, looked, changes, hasEnded: () => ended.mock.calls.length > 0 };
}

const refused = () => Promise.reject(new Error('the token has expired'));

describe('a live stream', () => {
  it('ends when the token is rejected', async () => {
    const { hasEnded } = view(viewing('shop', start + MINUTE_MS), refused);
    await vi.advanceTimersByTimeAsync(MINUTE_MS - 1);
    expect(hasEnded()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(hasEnded()).toBe(true);
  });

  it('continues while the token is accepted, and checks again', async () => {
    const good = () => Promise.resolve(viewing('shop', Date.now() + MINUTE_MS));
    const { looked, hasEnded } = view(viewing('shop', start + MINUTE_MS), good);
    await vi.advanceTimersByTimeAsync(3 * MINUTE_MS);
    expect(looked).toHaveBeenCalledTimes(3);
    expect(hasEnded()).toBe(false);
  });

  it('ends when the access changes', async () => {
    const other = () => Promise.resolve(viewing('blog', Date.now() + MINUTE_MS));
    const { hasEnded } = view(viewing('shop', start + MINUTE_MS), other);
    await vi.advanceTimersByTimeAsync(MINUTE_MS);
    expect(hasEnded()).toBe(true);
  });

  it('ends when a reload changes the access, even if the token never expires', async () => {
    const { changes, hasEnded } = view(viewing('shop', Infinity), () =>
      Promise.resolve(viewing('blog', Infinity)),
    );
    changes.emit('change');
    await vi.advanceTimersByTimeAsync(0);
    expect(hasEnded()).toBe(true);
  });

  it('continues when a reload does not change the access', async () => {
    const same = () => Promise.resolve(viewing('shop', Infinity));
    const { viewer, changes, looked, hasEnded } = view(viewing('shop', Infinity), same);
    changes.emit('change');
    await vi.advanceTimersByTimeAsync(0);
    expect(looked).toHaveBeenCalledOnce();
    expect(hasEnded()).toBe(false);
    viewer.stream.destroy();
    await vi.advanceTimersByTimeAsync(0);
    expect(changes.listenerCount('change')).toBe(0);
  });

  it('is not checked after its end, nor if the token never expires', async () => {
    const { viewer, looked } = view(viewing('shop', start + MINUTE_MS), refused);
    const unbounded = view(viewing('shop', Infinity), refused);
    viewer.stream.destroy();
    await vi.advanceTimersByTimeAsync(100 * MINUTE_MS);
    expect(looked).not.toHaveBeenCalled();
    expect(unbounded.looked).not.toHaveBeenCalled();
  });
});
