import { describe, expect, it } from 'vitest';
import { accessOf } from '@sonde/query/access/access';
import { TokenRejected } from './identity.js';
import { TokenCache } from './token-cache.js';

function counting(untilMs = Infinity) {
  const verified: string[] = [];
  const tokens = new TokenCache((token) => {
    verified.push(token);
    if (token.startsWith('bad')) return Promise.reject(new TokenRejected('unknown token'));
    if (token.startsWith('broken')) return Promise.reject(new Error('provider is down'));
    return Promise.resolve(accessOf(token, [], untilMs));
  });
  return { verified, tokens };
}

describe('the token cache', () => {
  it('verifies a token once and returns the same access again', async () => {
    const { verified, tokens } = counting();
    const first = await tokens.accessOf('a', '192.0.2.1');
    expect(await tokens.accessOf('a', '192.0.2.2')).toBe(first);
    expect(verified).toEqual(['a']);
  });

  it('verifies a token once for concurrent requests', async () => {
    const { verified, tokens } = counting();
    await Promise.all(Array.from({ length: 10 }, () => tokens.accessOf('a', '192.0.2.1')));
    expect(verified).toEqual(['a']);
  });

  it('verifies a token again when its access expires', async () => {
    const { verified, tokens } = counting(Date.now());
    await tokens.accessOf('a', '192.0.2.1');
    await tokens.accessOf('a', '192.0.2.1');
    expect(verified).toEqual(['a', 'a']);
  });

  it('rejects a token again without verification', async () => {
    const { verified, tokens } = counting();
    for (let i = 0; i < 3; i++) {
      await expect(tokens.accessOf('bad', '192.0.2.1')).rejects.toThrow(TokenRejected);
    }
    expect(verified).toEqual(['bad']);
  });

  it('verifies a token again after verification failed', async () => {
    const { verified, tokens } = counting();
    for (let i = 0; i < 2; i++) {
      await expect(tokens.accessOf('broken', '192.0.2.1')).rejects.toThrow('provider is down');
    }
    expect(verified).toEqual(['broken', 'broken']);
  });
});

describe('guessing tokens', () => {
  it('is soon refused without verification, for this address only', async () => {
    const { verified, tokens } = counting();
    const attempts = Array.from({ length: 100 }, (_, i) => `bad-${i}`);
    for (const token of attempts) await tokens.accessOf(token, '192.0.2.1').catch(() => undefined);
    expect(verified.length).toBeLessThan(50);
    await expect(tokens.accessOf('bad-101', '192.0.2.1')).rejects.toMatchObject({ status: 429 });
    expect(await tokens.accessOf('good', '192.0.2.2')).toMatchObject({ subject: 'good' });
  });

  it('is not faster in parallel', async () => {
    const { verified, tokens } = counting();
    const attempts = Array.from({ length: 100 }, (_, i) => tokens.accessOf(`bad-${i}`, '192.0.2.1'));
    await Promise.allSettled(attempts);
    expect(verified.length).toBeLessThan(50);
  });

  it('does not include valid tokens and failed verifications', async () => {
    const { verified, tokens } = counting();
    for (let i = 0; i < 100; i++) {
      await tokens.accessOf(`good-${i}`, '192.0.2.1');
      await tokens.accessOf(`broken-${i}`, '192.0.2.1').catch(() => undefined);
    }
    expect(verified).toHaveLength(200);
  });

  it('does not lock out cached tokens of the same address', async () => {
    const { tokens } = counting();
    await tokens.accessOf('good', '192.0.2.1');
    for (let i = 0; i < 100; i++) await tokens.accessOf(`bad-${i}`, '192.0.2.1').catch(() => undefined);
    expect(await tokens.accessOf('good', '192.0.2.1')).toMatchObject({ subject: 'good' });
  });
});
