import type { RecordTable } from '@sonde/backbone/store/schema/record-tables';
import type { TimeRange } from '../time-range.js';
import { type Cursor, type CursorPosition, sortFields } from './cursor.js';
import type { RecordJson } from './record-json.js';

/** The cursor after a page of rows of the store. `after` is where the previous page ended. */
export function nextCursor(
  page: readonly RecordJson[],
  table: RecordTable,
  range: TimeRange,
  after: CursorPosition | undefined,
): Cursor | undefined {
  const names = sortFields(table).map(({ name }) => name);
  const positionOf = (row: RecordJson) => names.map((name) => row[name] as string | number);
  const last = page.at(-1);
  if (!last) return undefined;
  const values = positionOf(last);
  const isHere = (other: readonly unknown[]) => values.every((value, index) => value === other[index]);
  // Records with equal positions are counted: the next page skips as many.
  const here = page.length - page.findIndex((row) => isHere(positionOf(row)));
  const before = after && here === page.length && isHere(after.values) ? after.skipped : 0;
  return { range, values, skipped: before + here };
}
