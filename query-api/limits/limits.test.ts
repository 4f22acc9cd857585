import { connect } from 'node:net';
import type { QueryOptions } from '@sonde/backbone/store/store';
import { describe, expect, it, vi } from 'vitest';
import { A_MINUTE, bearer, security, startApi } from '@sonde/test/fixtures/secured-api';

// Many servers are started, and the machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

describe('an identity that sends many requests', () => {
  it('is refused with `retry-after`, and no other identity', async () => {
    const url = await startApi({ security, limits: { requests: { burst: 3, perSecond: 0.001 } } });
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++)
      statuses.push((await fetch(`${url}/api/v1/whoami`, bearer('shop-token'))).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const refused = await fetch(`${url}/api/v1/whoami`, bearer('shop-token'));
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await fetch(`${url}/api/v1/whoami`, bearer('admin-token'))).status).toBe(200);
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
  });

  it('has a limited number of concurrent and waiting requests', async () => {
    let running = 0;
    let most = 0;
    const held: (() => void)[] = [];
    const url = await startApi({ security, limits: { concurrent: 2, waiting: 3 } }, async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => held.push(resolve));
      running--;
      return [];
    });
    const answers = Array.from({ length: 8 }, () => fetch(`${url}/api/v1/flows`, bearer('shop-token')));
    // Three are refused at once; the others wait for the limiter or for the store.
    await vi.waitUntil(() => held.length === 2, A_MINUTE);
    const others = fetch(`${url}/api/v1/flows`, bearer('admin-token'));
    await vi.waitUntil(() => held.length === 3, A_MINUTE);
    for (let ended = 0; ended < 6; ended++) {
      await vi.waitUntil(() => held.length > 0, A_MINUTE);
      held.shift()?.();
    }
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    expect((await others).status).toBe(200);
    expect(most).toBe(3);
  });
});

describe('all identities together', () => {
  it('have a limited number of concurrent and waiting queries; others are refused', async () => {
    let running = 0;
    let most = 0;
    const held: (() => void)[] = [];
    const limits = { queries: { concurrent: 3, waiting: 1 } };
    const url = await startApi({ security, limits }, async () => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => held.push(resolve));
      running--;
      return [];
    });
    const statuses: number[] = [];
    const answers = ['shop-token', 'shop-token', 'shop-token', 'admin-token', 'admin-token'].map(
      async (token) => statuses.push((await fetch(`${url}/api/v1/flows`, bearer(token))).status),
    );
    await vi.waitUntil(() => statuses.length === 1, A_MINUTE);
    expect(statuses).toEqual([503]);
    for (let ended = 0; ended < 4; ended++) {
      await vi.waitUntil(() => held.length > 0, A_MINUTE);
      held.shift()?.();
    }
    await Promise.all(answers);
    expect(statuses).toEqual([503, 200, 200, 200, 200]);
    expect(most).toBe(3);
  });
});

describe('a client that disconnects', () => {
  it('cancels its query and frees its place', async () => {
    let asked: QueryOptions | undefined;
    const url = await startApi({ limits: { concurrent: 1 } }, (_sql, _parameters, options) => {
      if (asked) return Promise.resolve([]);
      asked = options;
      return new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    const leaving = new AbortController();
    const left = fetch(`${url}/api/v1/flows`, { signal: leaving.signal }).catch(() => 'left');
    await vi.waitUntil(() => asked !== undefined, A_MINUTE);
    leaving.abort();
    expect(await left).toBe('left');
    await vi.waitUntil(() => asked?.signal?.aborted === true, A_MINUTE);
    expect((await fetch(`${url}/api/v1/flows`)).status).toBe(200);
  });
});

describe('a client that pipelines requests', () => {
  it('and disconnects cancels all of their queries', async () => {
    const signals: (AbortSignal | undefined)[] = [];
    const url = await startApi({}, (_sql, _parameters, options) => {
      signals.push(options?.signal);
      return new Promise((_resolve, reject) => {
        options?.signal?.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.write('GET /api/v1/flows HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(2));
    await vi.waitUntil(() => signals.length === 2, A_MINUTE);
    socket.destroy();
    await vi.waitUntil(() => signals.every((signal) => signal?.aborted), A_MINUTE);
  });
});
