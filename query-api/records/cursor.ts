import { createHash } from 'node:crypto';
import { columnType, type RecordTable } from '@sonde/backbone/store/schema';
import { invalidParameters } from '../problem.js';
import type { TimeRange } from '../time-range.js';

/** Where a page of records ended: at which place of their order, and how many of those at that place were given. */
export interface CursorPlace {
  /** The last record's values of the {@link sortFields}, as the store writes them. */
  readonly values: readonly (string | number)[];
  readonly given: number;
}

/** What a cursor carries on: its place, and the times, which may have been said in relation to now. */
export interface Cursor extends CursorPlace {
  readonly range: TimeRange;
}

/** By time, and records of one time always in the same order, by as many of these fields as they have. */
const SORT_FIELDS = [
  'start_time',
  'transport_partition',
  'transport_offset',
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
  'protocol',
  'icmp_type',
  'icmp_code',
  'dst_service_ip',
  'dst_service_port',
  'query_name',
  'query_type',
];

/** The fields that a table's records are listed by, with their types in the store. */
export function sortFields({ fields }: RecordTable): { name: string; type: string }[] {
  return SORT_FIELDS.flatMap((name) => {
    const field = fields.find((one) => one.name === name);
    return field ? [{ name, type: columnType(field) }] : [];
  });
}

/**
 * Writes a cursor, which is opaque to those it is given to. `asked` are the parameters that must stay the same from
 * page to page; the cursor holds a digest of them.
 */
export function writeCursor({ range, values, given }: Cursor, asked: readonly string[]): string {
  const content = [VERSION, digest(asked), range.from, range.to, given, ...values];
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/**
 * Reads a cursor that {@link writeCursor} wrote for the same parameters.
 * @throws Problem 400 if it is another.
 */
export function readCursor(text: string, table: RecordTable, asked: readonly string[]): Cursor {
  const content = decode(text);
  const [version, digested, from, to, given, ...values] = content;
  if (version !== VERSION || values.length !== sortFields(table).length || !values.every(isValue)) {
    throw refused('not a cursor that an answer gave');
  }
  if (digested !== digest(asked))
    throw refused('of another question: only `limit` may change from page to page');
  if (!isCount(from) || !isCount(to) || !isCount(given) || given > MOST_GIVEN) {
    throw refused('not a cursor that an answer gave');
  }
  return { range: { from, to }, values, given };
}

/** Raised when an older cursor would be misread. */
const VERSION = 1;

/** More records at one place than any page has would be no page's end. */
const MOST_GIVEN = 100_000;

function decode(text: string): unknown[] {
  try {
    const content: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(content) ? content : [];
  } catch {
    return [];
  }
}

function digest(asked: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(asked)).digest('base64url').slice(0, 12);
}

function isValue(value: unknown): value is string | number {
  return typeof value === 'string' ? value.length <= 1024 : isCount(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function refused(reason: string) {
  return invalidParameters([{ parameter: 'cursor', reason }]);
}
