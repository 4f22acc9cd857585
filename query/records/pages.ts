import type { RecordTable } from '@sonde/backbone/store/schema/record-tables';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { QueryContext } from '../context/query-context.js';
import type { TimeRange } from '../time-range.js';
import { type Cursor, type CursorPosition, sortFields } from './cursor.js';
import type { RecordJson } from './record-json.js';
import { type RecordQuery, select, tableOf } from './record-query.js';
import { buildRecordsQuery, type RecordsOrder } from './records-sql.js';

/** Which records to list, and how. */
export interface RecordListing {
  readonly query: RecordQuery;
  readonly fields: readonly FieldDeclaration[];
  readonly order: RecordsOrder;
  /** Where to continue; its time range replaces that of the query. */
  readonly after?: Cursor | undefined;
}

/** A page of records, as the store returns them, with the cursor of the next page if there is one. */
export interface RecordPage {
  readonly range: TimeRange;
  readonly rows: readonly RecordJson[];
  readonly next?: Cursor | undefined;
}

/**
 * Reads a page of records. Paging returns each record once, even if records arrive meanwhile.
 * @throws StoreError, QueryError, or the abort reason of the context's signal.
 */
export async function readRecordPage(
  context: QueryContext,
  { query, fields, order, after }: RecordListing,
  limit: number,
): Promise<RecordPage> {
  const table = tableOf[query.kind];
  const range = after?.range ?? query.range;
  const names = fields.map(({ name }) => name);
  // One record more than the limit shows whether there is a next page.
  const page = { ...query, range, fields: names, limit: limit + 1, order, after };
  const { sql, parameters } = buildRecordsQuery(page, context.access);
  const found = await select<RecordJson>(context, sql, parameters);
  const rows = found.slice(0, limit);
  return { range, rows, next: found.length > limit ? nextCursor(rows, table, range, after) : undefined };
}

/** Reads all records of a listing page by page, up to `limit` records. */
export async function* readAllRecords(
  context: QueryContext,
  listing: RecordListing,
  limit = Infinity,
): AsyncGenerator<readonly RecordJson[], void> {
  let after = listing.after;
  for (let left = limit; left > 0;) {
    const size = Math.min(left, context.limits.rows);
    const { rows, next } = await readRecordPage(context, { ...listing, after }, size);
    yield rows;
    if (!next) return;
    left -= rows.length;
    after = next;
  }
}

/** The cursor after a page of rows of the store. `after` is where the previous page ended. */
function nextCursor(
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
