import { describe, expect, it } from 'vitest';
import { PartitionPosition } from './partition-position.js';

const at = (stream: string, position: number) => ({ stream, position });

describe('the position in a partition', () => {
  it('continues after the stored offset, or at the first one that Kafka has', () => {
    expect(new PartitionPosition({ storedTo: 4, streams: [] }, { low: 0, high: 9 })).toMatchObject({
      next: 5,
      lag: 4,
    });
    expect(new PartitionPosition({ storedTo: 4, streams: [] }, { low: 7, high: 9 })).toMatchObject({
      next: 7,
      lag: 2,
    });
    expect(new PartitionPosition({ storedTo: -1, streams: [] }, { low: 0, high: 0 })).toMatchObject({
      next: 0,
      lag: 0,
    });
  });

  it('counts expired messages by the positions of their streams, each stream once', () => {
    // Twelve offsets expired: six messages, and as many ends of transactions.
    const position = new PartitionPosition({ storedTo: -1, streams: [['a', 10]] }, { low: 12, high: 20 });
    expect(position.note(at('a', 14))).toBe(4);
    expect(position.note(at('b', 2))).toBe(2);
    // Later gaps are messages that their spools dropped and counted.
    expect(position.note(at('a', 20))).toBe(0);
    expect(position.note(at('b', 3))).toBe(0);
  });

  it('counts at most as many expired messages as offsets', () => {
    const position = new PartitionPosition({ storedTo: 9, streams: [['a', 10]] }, { low: 13, high: 20 });
    expect(position.note(at('a', 1000))).toBe(3);
    expect(position.note(at('forgotten', 1000))).toBe(0);
  });

  it('counts nothing as expired if Kafka still has every offset', () => {
    const position = new PartitionPosition({ storedTo: 9, streams: [['a', 10]] }, { low: 10, high: 20 });
    expect(position.note(at('a', 15))).toBe(0);
    expect(position.note(at('new', 7))).toBe(0);
  });
});
