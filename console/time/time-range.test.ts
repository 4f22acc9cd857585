import { describe, expect, it } from 'vitest';
import { describeRange, formatTime, lengthMs, shifted, timeMs } from './time-range.js';

const now = Date.parse('2026-03-01T12:00:00Z');

it.each([
  ['now', '2026-03-01T12:00:00.000Z'],
  ['-15m', '2026-03-01T11:45:00.000Z'],
  ['2026-02-28T00:00:00Z', '2026-02-28T00:00:00.000Z'],
])('%s is %s', (text, iso) => {
  expect(new Date(timeMs(text, now) ?? 0).toISOString()).toBe(iso);
});

it.each(['', 'yesterday', '-5', '-m'])('"%s" is not a time', (text) => {
  expect(timeMs(text, now)).toBeUndefined();
});

describe('a range', () => {
  it('has no length if it ends before it starts', () => {
    expect(lengthMs({ from: 'now', to: '-1h' }, now)).toBeUndefined();
  });

  it('moves by its own length', () => {
    expect(shifted({ from: '-1h', to: 'now' }, -1, now)).toEqual({
      from: '2026-03-01T10:00:00.000Z',
      to: '2026-03-01T11:00:00.000Z',
    });
  });

  it('is described in words or by its ends', () => {
    expect(describeRange({ from: '-1h', to: 'now' }, 'UTC')).toBe('Last hour');
    expect(describeRange({ from: '2026-03-01T10:00:00Z', to: '2026-03-01T11:00:00Z' }, 'UTC')).toBe(
      '2026-03-01 10:00:00.000 – 2026-03-01 11:00:00.000',
    );
  });
});

it('shows times in the chosen zone', () => {
  expect(formatTime(now, 'Asia/Tokyo', true)).toBe('2026-03-01 21:00:00.000');
});
