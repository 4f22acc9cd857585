import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { columnType, type RecordTable } from '@sonde/backbone/store/schema/record-tables';
import { LATEST_MS, parseTimestamp } from '@sonde/model/filter/timestamp';
import type { FieldDeclaration, FieldType } from '@sonde/model/record/field';
import { checkRange, type QueryLimits } from '../limits/query-limits.js';
import { invalidQuery } from '../errors.js';
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
export function sortFields(table: RecordTable): { name: string; type: string }[] {
  return sortDeclarations(table).map((field) => ({ name: field.name, type: columnType(field) }));
}

function sortDeclarations({ fields }: RecordTable): FieldDeclaration[] {
  return SORT_FIELDS.flatMap((name) => fields.find((one) => one.name === name) ?? []);
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
 * Reads a cursor that {@link writeCursor} wrote for the same parameters. Nothing keeps people from writing their own, so
 * it is held to what any question is.
 * @throws QueryError SONDE_INVALID_PARAMETER if it is another, or its times are longer than may be asked for.
 */
export function readCursor(
  text: string,
  table: RecordTable,
  asked: readonly string[],
  limits: QueryLimits,
): Cursor {
  const content = decode(text);
  const [version, digested, from, to, given, ...values] = content;
  const fields = sortDeclarations(table);
  if (version !== VERSION || values.length !== fields.length || !areValues(values, fields)) {
    throw refused('not a cursor that an answer gave');
  }
  if (digested !== digest(asked))
    throw refused('of another question: only `limit` may change from page to page');
  if (
    !isNumber(from, LATEST_MS - 1) ||
    !isNumber(to, LATEST_MS - 1) ||
    from >= to ||
    !isNumber(given, MAX_GIVEN)
  ) {
    throw refused('not a cursor that an answer gave');
  }
  checkRange({ from, to }, limits);
  return { range: { from, to }, values, given };
}

/** Raised when an older cursor would be misread. */
const VERSION = 1;

/** More records at one place than any page has would be no page's end. */
const MAX_GIVEN = 100_000;

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

function areValues(
  values: readonly unknown[],
  fields: readonly FieldDeclaration[],
): values is (string | number)[] {
  return fields.every(({ type }, at) => isValue[type](values[at]));
}

/** Whether a value is one of a field's type, as the store writes it. */
const isValue: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  time: isTime,
  ip: (value) => typeof value === 'string' && isIPv6(value) && !value.includes('%'),
  uint8: (value) => isNumber(value, 2 ** 8 - 1),
  uint16: (value) => isNumber(value, 2 ** 16 - 1),
  uint32: (value) => isNumber(value, 2 ** 32 - 1),
  uint64: (value) => typeof value === 'string' && /^\d{1,20}$/.test(value) && BigInt(value) < 2n ** 64n,
  text: (value) => typeof value === 'string' && value.length <= 1024,
  // No table is listed by these.
  boolean: () => false,
  enumeration: () => false,
};

/** Whether it is `2026-03-01 12:00:00.000`, a time that fields hold. */
function isTime(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[\d-]{10} [\d:.]{12}$/.test(value)) return false;
  return parseTimestamp(`${value.slice(0, 10)}T${value.slice(11)}Z`) !== undefined;
}

function isNumber(value: unknown, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
}

function refused(reason: string) {
  return invalidQuery([{ parameter: 'cursor', reason }]);
}
