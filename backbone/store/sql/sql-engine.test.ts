import { expect, it } from 'vitest';
import { parseJsonRows, parseJsonRowsInSlices } from './sql-engine.js';

it.each([0, 1, 3, 5000])('parses %s rows in slices like all at once', async (count) => {
  const rows = Array.from({ length: count }, (_, id) => ({ id, name: `a\nb"é${'x'.repeat(id % 90)}` }));
  const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  expect(await parseJsonRowsInSlices(bytes)).toEqual(rows);
  expect(await parseJsonRowsInSlices(bytes.subarray(0, -1))).toEqual(rows);
  expect(parseJsonRows(bytes)).toEqual(rows);
});

it('returns to the event loop while it parses a large result', async () => {
  const bytes = Buffer.from(`${JSON.stringify({ name: 'x'.repeat(1000) })}\n`.repeat(1000));
  let turns = 0;
  const count = () => {
    turns += 1;
    immediate = setImmediate(count);
  };
  let immediate = setImmediate(count);
  await parseJsonRowsInSlices(bytes);
  clearImmediate(immediate);
  expect(turns).toBeGreaterThan(10);
});

it('rejects a result that is not JSON', async () => {
  const page = Buffer.from(`<html>${'x'.repeat(100_000)}</html>`);
  await expect(parseJsonRowsInSlices(page)).rejects.toThrow('not JSON');
});
