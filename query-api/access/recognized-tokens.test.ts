import { describe, expect, it } from 'vitest';
import { accessOf } from '@sonde/query/access/access';
import { TokenRefused } from './identity.js';
import { RecognizedTokens } from './recognized-tokens.js';

function counting(untilMs = Infinity) {
  const asked: string[] = [];
  const tokens = new RecognizedTokens((token) => {
    asked.push(token);
    if (token.startsWith('bad')) return Promise.reject(new TokenRefused('not known'));
    if (token.startsWith('broken')) return Promise.reject(new Error('provider is away'));
    return Promise.resolve(accessOf(token, [], untilMs));
  });
  return { asked, tokens };
}

describe('tokens that were recognized', () => {
  it('are not looked at again, and give the same access', async () => {
    const { asked, tokens } = counting();
    const first = await tokens.accessOf('a', '192.0.2.1');
    expect(await tokens.accessOf('a', '192.0.2.2')).toBe(first);
    expect(asked).toEqual(['a']);
  });

  it('are looked at once however many requests bring them at the same time', async () => {
    const { asked, tokens } = counting();
    await Promise.all(Array.from({ length: 10 }, () => tokens.accessOf('a', '192.0.2.1')));
    expect(asked).toEqual(['a']);
  });

  it('are looked at again when they hold no longer', async () => {
    const { asked, tokens } = counting(Date.now());
    await tokens.accessOf('a', '192.0.2.1');
    await tokens.accessOf('a', '192.0.2.1');
    expect(asked).toEqual(['a', 'a']);
  });

  it('that were refused are refused again without a look', async () => {
    const { asked, tokens } = counting();
    for (let i = 0; i < 3; i++) {
      await expect(tokens.accessOf('bad', '192.0.2.1')).rejects.toThrow(TokenRefused);
    }
    expect(asked).toEqual(['bad']);
  });

  it('are looked at again after it could not be found out whose they are', async () => {
    const { asked, tokens } = counting();
    for (let i = 0; i < 2; i++) {
      await expect(tokens.accessOf('broken', '192.0.2.1')).rejects.toThrow('provider is away');
    }
    expect(asked).toEqual(['broken', 'broken']);
  });
});

describe('who guesses tokens', () => {
  it('is soon refused unheard, and nobody else is', async () => {
    const { asked, tokens } = counting();
    const attempts = Array.from({ length: 100 }, (_, i) => `bad-${i}`);
    for (const token of attempts) await tokens.accessOf(token, '192.0.2.1').catch(() => undefined);
    expect(asked.length).toBeLessThan(50);
    await expect(tokens.accessOf('bad-101', '192.0.2.1')).rejects.toMatchObject({ status: 429 });
    expect(await tokens.accessOf('good', '192.0.2.2')).toMatchObject({ subject: 'good' });
  });

  it('is no better off by guessing many at once', async () => {
    const { asked, tokens } = counting();
    const attempts = Array.from({ length: 100 }, (_, i) => tokens.accessOf(`bad-${i}`, '192.0.2.1'));
    await Promise.allSettled(attempts);
    expect(asked.length).toBeLessThan(50);
  });

  it('is not who brings many tokens that are good, or that nobody can look at for now', async () => {
    const { asked, tokens } = counting();
    for (let i = 0; i < 100; i++) {
      await tokens.accessOf(`good-${i}`, '192.0.2.1');
      await tokens.accessOf(`broken-${i}`, '192.0.2.1').catch(() => undefined);
    }
    expect(asked).toHaveLength(200);
  });

  it('does not lock out those at the same address who are known already', async () => {
    const { tokens } = counting();
    await tokens.accessOf('good', '192.0.2.1');
    for (let i = 0; i < 100; i++) await tokens.accessOf(`bad-${i}`, '192.0.2.1').catch(() => undefined);
    expect(await tokens.accessOf('good', '192.0.2.1')).toMatchObject({ subject: 'good' });
  });
});
