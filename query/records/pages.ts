import type { RecordTable } from '@sonde/backbone/store/schema/record-tables';
import type { TimeRange } from '../time-range.js';
import { type Cursor, type CursorPlace, sortFields } from './cursor.js';
import type { RecordJson } from './record-json.js';

/** The cursor behind a page, whose rows are as the store gave them. `after` is where the page before it ended. */
export function nextCursor(
  page: readonly RecordJson[],
  table: RecordTable,
  range: TimeRange,
  after: CursorPlace | undefined,
): Cursor | undefined {
  const names = sortFields(table).map(({ name }) => name);
  const placeOf = (row: RecordJson) => names.map((name) => row[name] as string | number);
  const last = page.at(-1);
  if (!last) return undefined;
  const values = placeOf(last);
  const isHere = (other: readonly unknown[]) => values.every((value, index) => value === other[index]);
  // Records that nothing tells apart are counted: the next page leaves so many out.
  const here = page.length - page.findIndex((row) => isHere(placeOf(row)));
  const before = after && here === page.length && isHere(after.values) ? after.given : 0;
  return { range, values, given: before + here };
}
