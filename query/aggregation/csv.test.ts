import { describe, expect, it } from 'vitest';
import { tableCsv } from './csv.js';
import type { Value } from './column.js';

/** The lines of a table of a text and a number, without the header. */
function lines(...rows: (readonly [Value, Value])[]): string[] {
  const columns = [
    { name: 'domain', type: 'string', role: 'group' },
    { name: 'change', type: 'number', role: 'metric' },
  ] as const;
  return tableCsv({ columns, rows, truncated: false }).split('\r\n').slice(1, -1);
}

describe('a table as CSV', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['=HYPERLINK("http://198.51.100.1")', `"'=HYPERLINK(""http://198.51.100.1"")"`],
  ])('gives the text %j as no formula', (text, written) => {
    expect(lines([text, 0])).toEqual([`${written},0`]);
  });

  it('puts a text that begins with a carriage return behind an apostrophe, in quotes', () => {
    expect(
      tableCsv({
        columns: [{ name: 'a', type: 'string', role: 'group' }],
        rows: [['\r=1']],
        truncated: false,
      }),
    ).toBe('a\r\n"\'\r=1"\r\n');
  });

  it('leaves numbers numbers, and other texts as they are', () => {
    expect(lines(['a=b', -1], ['shop/web', 2], ["it's", null])).toEqual(['a=b,-1', 'shop/web,2', "it's,"]);
  });
});
