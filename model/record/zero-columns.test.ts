import { describe, expect, it } from 'vitest';
import { ColumnMemory } from './column-memory.js';
import { allocateColumn, type ColumnsOf } from './columns.js';
import { joinColumns } from './join-columns.js';
import { isZeroColumn, zeroColumn } from './zero-columns.js';

describe('columns of zeros', () => {
  it('hold as many rows as asked for, of every type, however many that are', () => {
    for (const rows of [0, 3, 200_000]) {
      expect(zeroColumn('ip', rows)).toHaveLength(rows * 16);
      expect(zeroColumn('uint64', rows)).toHaveLength(rows);
      expect(zeroColumn('string', rows)).toMatchObject({ dictionary: [''] });
      expect(zeroColumn('string', rows).indexes).toHaveLength(rows);
    }
  });

  it('share their memory, and are told from those that happen to be zero', () => {
    expect(zeroColumn('uint32', 10).buffer).toBe(zeroColumn('ip', 10).buffer);
    expect(isZeroColumn(zeroColumn('uint16', 10))).toBe(true);
    expect(isZeroColumn(zeroColumn('string', 10))).toBe(true);
    expect(isZeroColumn(allocateColumn('uint16', 10))).toBe(false);
  });

  it('stay shared when batches are joined, and are copied beside others', () => {
    const field = { name: 'count', type: 'uint32', origin: 'observed', description: '' } as const;
    const part = (count: Uint32Array) => ({
      rows: count.length,
      columns: { count } as ColumnsOf<typeof field>,
    });
    const zeros = part(zeroColumn('uint32', 2));
    expect(isZeroColumn(joinColumns([field], [zeros, zeros], new ColumnMemory()).count)).toBe(true);
    expect(joinColumns([field], [zeros, part(Uint32Array.of(7))], new ColumnMemory()).count).toEqual(
      Uint32Array.of(0, 0, 7),
    );
    expect(zeroColumn('uint32', 3)).toEqual(Uint32Array.of(0, 0, 0));
  });
});
