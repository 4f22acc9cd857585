import { describe, expect, it } from 'vitest';
import { runCooperatively } from '../limits/cooperative-task.js';
import { csvTask } from './csv.js';
import type { Table } from './table.js';
import type { Value } from './column.js';

/** The lines of a table with a string and a number column, without the header. */
async function lines(...rows: (readonly [Value, Value])[]): Promise<string[]> {
  const columns = [
    { name: 'domain', type: 'string', role: 'group' },
    { name: 'change', type: 'number', role: 'metric' },
  ] as const;
  return (await csv({ columns, rows, truncated: false })).split('\r\n').slice(1, -1);
}

function csv(table: Table): Promise<string> {
  return runCooperatively(csvTask(table), new AbortController().signal);
}

describe('a table as CSV', () => {
  it.each([
    ['=1+1', "'=1+1"],
    ['+1', "'+1"],
    ['-1', "'-1"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['=HYPERLINK("http://198.51.100.1")', `"'=HYPERLINK(""http://198.51.100.1"")"`],
  ])('prevents that the string %j is a formula', async (text, written) => {
    expect(await lines([text, 0])).toEqual([`${written},0`]);
  });

  it('prefixes a string that starts with a carriage return, and quotes it', async () => {
    expect(
      await csv({
        columns: [{ name: 'a', type: 'string', role: 'group' }],
        rows: [['\r=1']],
        truncated: false,
      }),
    ).toBe('a\r\n"\'\r=1"\r\n');
  });

  it('does not change numbers and other strings', async () => {
    expect(await lines(['a=b', -1], ['shop/web', 2], ["it's", null])).toEqual([
      'a=b,-1',
      'shop/web,2',
      "it's,",
    ]);
  });
});
