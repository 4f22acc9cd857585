import { describe, expect, it } from 'vitest';
import { parseAddress } from '../net/address.js';
import { DomainNames } from './domain-names.js';

const NOON = Date.parse('2026-03-01T12:00:00Z');
const SECOND = 1000;
const MINUTE = 60 * SECOND;

interface Answer {
  readonly client?: string;
  readonly name?: string;
  readonly address?: string;
  readonly timeMs?: number;
  readonly ttlSeconds?: number;
}

function learned(answers: readonly Answer[], capacity = 1000): DomainNames {
  const names = new DomainNames(capacity);
  for (const answer of answers) learn(names, answer);
  return names;
}

function learn(names: DomainNames, { address = '203.0.113.10', ...answer }: Answer): void {
  const rest = { client: 'web', name: 'api.example.com', timeMs: NOON, ttlSeconds: 300, ...answer };
  names.learn(parseAddress(address), 0, rest);
}

function nameOf(
  names: DomainNames,
  { client = 'web', address = '203.0.113.10', timeMs = NOON, likely = '' } = {},
) {
  return names.find(parseAddress(address), 0)?.nameFor(client, timeMs, likely) ?? '';
}

describe('an address', () => {
  it('goes by the name that its client had it answered for', () => {
    const names = learned([{}, { client: 'shop', name: 'other.example.com' }]);
    expect(nameOf(names)).toBe('api.example.com');
    expect(nameOf(names, { client: 'shop' })).toBe('other.example.com');
    expect(nameOf(names, { client: 'stranger' })).toBe('');
    expect(nameOf(names, { address: '203.0.113.11' })).toBe('');
  });

  it('goes by the last answer before the connection started, not by a later one', () => {
    const names = learned([
      { name: 'a.example.com', timeMs: NOON },
      { name: 'b.example.com', timeMs: NOON + 10 * SECOND },
      { name: 'a.example.com', timeMs: NOON + 20 * SECOND },
    ]);
    expect(nameOf(names, { timeMs: NOON + 15 * SECOND })).toBe('b.example.com');
    expect(nameOf(names, { timeMs: NOON + 25 * SECOND })).toBe('a.example.com');
    const longLived = names.find(parseAddress('203.0.113.10'), 0);
    expect(longLived?.nameFor('web', NOON + 300 * SECOND, '', NOON + 15 * SECOND)).toBe('b.example.com');
    expect(longLived?.nameFor('web', NOON + 300 * SECOND, '', NOON - SECOND)).toBe('');
  });

  it('is told from its neighbors in a column of addresses', () => {
    const names = learned([{ address: '2001:db8::1' }]);
    const column = new Uint8Array([...parseAddress('192.0.2.1'), ...parseAddress('2001:db8::1')]);
    expect([0, 16].map((offset) => names.find(column, offset) !== undefined)).toEqual([false, true]);
  });

  it('has no name before it was asked for, up to the tick of the clock that stamps flows', () => {
    const names = learned([{}]);
    expect(nameOf(names, { timeMs: NOON - 11 })).toBe('');
    expect(nameOf(names, { timeMs: NOON - 10 })).toBe('api.example.com');
  });

  it('keeps a name for its TTL and ten minutes', () => {
    const end = NOON + 300 * SECOND + 10 * MINUTE;
    expect(nameOf(learned([{}]), { timeMs: end - 1 })).toBe('api.example.com');
    expect(nameOf(learned([{}]), { timeMs: end })).toBe('');
  });

  it('keeps a name with a TTL of nothing for a minute more than that, and none for more than a day more', () => {
    const short = () => learned([{ ttlSeconds: 0 }]);
    expect(nameOf(short(), { timeMs: NOON + 11 * MINUTE - 1 })).toBe('api.example.com');
    expect(nameOf(short(), { timeMs: NOON + 11 * MINUTE })).toBe('');
    const long = learned([{ ttlSeconds: 2 ** 32 - 1 }]);
    expect(nameOf(long, { timeMs: NOON + 24 * 60 * MINUTE + 10 * MINUTE })).toBe('');
  });

  it('keeps a name as long as it is used', () => {
    const names = learned([{ ttlSeconds: 0 }]);
    for (let minutes = 0; minutes <= 60; minutes += 9) {
      expect(nameOf(names, { timeMs: NOON + minutes * MINUTE })).toBe('api.example.com');
    }
  });

  it('with several names goes by the newest at the time, or by the one that is likely', () => {
    const names = learned([{}, { name: 'cdn.example.com', timeMs: NOON + MINUTE }]);
    expect(nameOf(names, { timeMs: NOON + 2 * MINUTE })).toBe('cdn.example.com');
    expect(nameOf(names, { timeMs: NOON })).toBe('api.example.com');
    expect(nameOf(names, { timeMs: NOON + 2 * MINUTE, likely: 'api.example.com' })).toBe('api.example.com');
    expect(nameOf(names, { timeMs: NOON + 2 * MINUTE, likely: 'never.answered' })).toBe('cdn.example.com');
  });

  it('that is answered for a name again has that name as the newest, and from the first answer on', () => {
    const names = learned([
      {},
      { name: 'cdn.example.com', timeMs: NOON + 1 },
      { timeMs: NOON + 60 * MINUTE },
    ]);
    expect(nameOf(names, { timeMs: NOON + 60 * MINUTE })).toBe('api.example.com');
    expect(nameOf(names)).toBe('api.example.com');
    expect(names.size).toBe(2);
  });

  it('has a name for all where every client was told the same', () => {
    const names = learned([{}, { client: 'shop' }]);
    const sole = () => names.find(parseAddress('203.0.113.10'), 0)?.soleName(NOON);
    expect(sole()).toBe('api.example.com');
    learn(names, { client: 'shop', name: 'cdn.example.com' });
    expect(sole()).toBe('');
  });
});

describe('room', () => {
  it('is for eight names that a client knows an address by; the oldest goes, and is counted', () => {
    const names = learned(
      Array.from({ length: 9 }, (_, number) => ({
        name: `n${number}.example.com`,
        timeMs: NOON + number * SECOND,
      })),
    );
    expect([names.size, names.evicted]).toEqual([8, 1]);
    expect(nameOf(names, { timeMs: NOON + SECOND })).toBe('n1.example.com');
    expect(nameOf(names, { timeMs: NOON })).toBe('');
  });

  it('is bounded over all, what goes is counted, and what is in use stays', () => {
    const names = learned([{ address: '192.0.2.1' }], 100);
    for (let number = 0; number < 1000; number++) {
      learn(names, { address: `10.9.${number >> 8}.${number & 255}`, timeMs: NOON + number });
      expect(nameOf(names, { address: '192.0.2.1', timeMs: NOON + number })).toBe('api.example.com');
      expect(names.size).toBeLessThanOrEqual(100);
    }
    expect(names.evicted).toBe(1001 - names.size);
    expect(nameOf(names, { address: '10.9.0.0' })).toBe('');
    expect(nameOf(names, { address: '10.9.3.231', timeMs: NOON + 1000 })).toBe('api.example.com');
  });

  it('that expired names gave up counts as no loss', () => {
    const names = learned([], 100);
    for (let number = 0; number < 500; number++) {
      learn(names, { address: `10.9.${number >> 8}.${number & 255}`, timeMs: NOON + number * 20 * MINUTE });
    }
    expect(names.evicted).toBe(0);
  });
});
