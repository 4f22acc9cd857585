import type { StringColumn } from '@sonde/model/record/columns';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { encodeRecords } from './encode.js';

const textField = { name: 'name', type: 'string', origin: 'observed', description: '' } as const;
const countField = { name: 'count', type: 'uint32', origin: 'observed', description: '' } as const;

/** The string of each row and the number of strings in the dictionary, as read from the stream. */
function readBack(column: StringColumn): { rows: unknown[]; dictionary: number } {
  const chunks = encodeRecords([textField], { rows: column.indexes.length, columns: { name: column } });
  const vector = tableFromIPC(Buffer.concat(chunks)).getChild('name');
  return { rows: vector?.toJSON() ?? [], dictionary: vector?.data[0]?.dictionary?.length ?? NaN };
}

describe('a string column in an Arrow stream', () => {
  it.each([1, 2, 256, 257, 65_536, 65_537])('keeps its rows with %i strings', (texts) => {
    const dictionary = Array.from({ length: texts }, (_, number) => `text ${number}`);
    const indexes = Uint32Array.from({ length: texts + 3 }, (_, row) => texts - 1 - (row % texts));
    const expected = [...indexes].map((index) => dictionary[index]);
    expect(readBack({ indexes, dictionary })).toEqual({ rows: expected, dictionary: texts });
  });

  it('has each string that its rows use once, whether or not the dictionary has ids', () => {
    const column = { indexes: Uint32Array.of(3, 0, 2, 0), dictionary: ['a', 'unused', 'b', 'a'] };
    const expected = { rows: ['a', 'a', 'b', 'a'], dictionary: 2 };
    expect(readBack(column)).toEqual(expected);
    expect(readBack({ ...column, stringIds: [3, 0, 2, 3] })).toEqual(expected);
  });

  it('has strings that are equal in UTF-8 once', () => {
    const column = { indexes: Uint32Array.of(0, 1), dictionary: ['\ud800', '\udc00'] };
    expect(readBack(column)).toEqual({ rows: ['\ufffd', '\ufffd'], dictionary: 1 });
  });

  it('counts bytes, not characters', () => {
    const column = { indexes: Uint32Array.of(0, 1, 2), dictionary: ['Zürich', '東京', '🛰'] };
    expect(readBack(column).rows).toEqual(['Zürich', '東京', '🛰']);
  });

  it('is rejected if an index is beyond its dictionary, also if columns share indexes', () => {
    const indexes = Uint32Array.of(0, 2);
    const columns = {
      name: { indexes, dictionary: ['', 'a', 'b'] },
      other: { indexes, dictionary: ['', 'a'] },
    };
    const fields = [textField, { ...textField, name: 'other' }];
    expect(() => encodeRecords(fields, { rows: 2, columns })).toThrow(RangeError);
  });
});

describe('the chunks of an Arrow stream', () => {
  it('are views of long columns, and few', () => {
    const count = Uint32Array.from({ length: 100_000 }, (_, row) => row);
    const chunks = encodeRecords([countField], { rows: count.length, columns: { count } });
    expect(chunks.some(({ buffer }) => buffer === count.buffer)).toBe(true);
    expect(chunks.length).toBeLessThanOrEqual(3);
    expect(tableFromIPC(Buffer.concat(chunks)).getChild('count')?.toArray()).toEqual(count);
  });

  it('of many short columns are combined', () => {
    const fields = Array.from({ length: 200 }, (_, number) => ({ ...countField, name: `count${number}` }));
    const columns = Object.fromEntries(fields.map(({ name }, number) => [name, Uint32Array.of(number)]));
    const chunks = encodeRecords(fields, { rows: 1, columns });
    expect(chunks).toHaveLength(1);
    expect(tableFromIPC(Buffer.concat(chunks)).getChild('count199')?.get(0)).toBe(199);
  });
});
