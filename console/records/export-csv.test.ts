import { expect, it } from 'vitest';
import { toCsv } from './export-csv.js';

it('quotes commas, quotes and line breaks (RFC 4180)', () => {
  expect(toCsv([{ a: 'x,y', b: 'say "hi"', c: 'one\ntwo' }])).toBe(
    'a,b,c\r\n"x,y","say ""hi""","one\ntwo"\r\n',
  );
});

it('keeps numbers and does not let spreadsheets run formulas', () => {
  expect(toCsv([{ a: -5, b: '=1+1', c: '-x' }])).toBe("a,b,c\r\n-5,'=1+1,'-x\r\n");
});
