import { describe, expect, it } from 'vitest';
import { StreamPositions } from './stream-positions.js';

describe('stream positions', () => {
  it('distinguish duplicates from new messages per stream', () => {
    const positions = new StreamPositions();
    positions.note({ stream: 'a', position: 0 });
    positions.note({ stream: 'a', position: 7 });
    expect(positions.isNew({ stream: 'a', position: 7 })).toBe(false);
    expect(positions.isNew({ stream: 'a', position: 3 })).toBe(false);
    expect(positions.isNew({ stream: 'a', position: 8 })).toBe(true);
    expect(positions.isNew({ stream: 'b', position: 0 })).toBe(true);
  });

  it('can be restored from their entries', () => {
    const positions = new StreamPositions();
    positions.note({ stream: 'a', position: 4 });
    positions.note({ stream: 'b', position: 2 });
    const again = new StreamPositions(positions);
    expect(again.isNew({ stream: 'a', position: 4 })).toBe(false);
    expect([...again]).toEqual([
      ['a', 5],
      ['b', 3],
    ]);
  });

  it('forget the least recently active streams beyond the limit', () => {
    const positions = new StreamPositions();
    for (let stream = 0; stream < 5000; stream++) {
      positions.note({ stream: String(stream), position: 9 });
      positions.note({ stream: 'lively', position: stream });
    }
    expect([...positions]).toHaveLength(1024);
    expect(positions.isNew({ stream: '0', position: 9 })).toBe(true);
    expect(positions.isNew({ stream: '4999', position: 9 })).toBe(false);
    expect(positions.isNew({ stream: 'lively', position: 4998 })).toBe(false);
  });
});
