import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { columnType, type RecordTable } from '@sonde/backbone/store/schema/record-tables';
import { LATEST_MS, parseTimestamp } from '@sonde/model/filter/timestamp';
import type { FieldDeclaration, FieldType } from '@sonde/model/record/field';
import { checkTimeRange } from '../limits/bounded-time-range.js';
import type { QueryLimits } from '../limits/query-limits.js';
import { invalidQuery } from '../errors.js';
import type { TimeRange } from '../time-range.js';

/** Where a page of records ended: a position in the order, and the number of records at it that were returned. */
export interface CursorPosition {
  /** The {@link sortFields} of the last record, as the store writes them. */
  readonly values: readonly (string | number)[];
  readonly skipped: number;
}

/** A position and the absolute time range, because that of the first page may have been relative to now. */
export interface Cursor extends CursorPosition {
  readonly range: TimeRange;
}

/** Records are ordered by the fields of this list that they have: by time first, and always in the same order. */
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

/** The fields that a table's records are ordered by, with their types in the store. */
export function sortFields(table: RecordTable): { name: string; type: string }[] {
  return sortDeclarations(table).map((field) => ({ name: field.name, type: columnType(field) }));
}

function sortDeclarations({ fields }: RecordTable): FieldDeclaration[] {
  return SORT_FIELDS.flatMap((name) => fields.find((one) => one.name === name) ?? []);
}

/**
 * Writes a cursor, opaque to clients. `fixed` are the parameters that must be the same for all pages; the cursor
 * contains a digest of them.
 */
export function writeCursor({ range, values, skipped }: Cursor, fixed: readonly string[]): string {
  const content = [VERSION, digest(fixed), range.from, range.to, skipped, ...values];
  return Buffer.from(JSON.stringify(content)).toString('base64url');
}

/**
 * Reads a cursor that {@link writeCursor} wrote for the same parameters. Clients can forge cursors, so it is checked
 * like any other parameter.
 * @throws QueryError SONDE_INVALID_PARAMETER if it is invalid, of other parameters, or its time range is too long.
 */
export function readCursor(
  text: string,
  table: RecordTable,
  fixed: readonly string[],
  limits: QueryLimits,
): Cursor {
  const content = decode(text);
  const [version, digested, from, to, skipped, ...values] = content;
  const fields = sortDeclarations(table);
  if (version !== VERSION || values.length !== fields.length || !areValues(values, fields)) {
    throw invalidCursor('not a cursor of this API');
  }
  if (digested !== digest(fixed))
    throw invalidCursor('of another query: only `limit` may differ between pages');
  if (
    !isNumber(from, LATEST_MS - 1) ||
    !isNumber(to, LATEST_MS - 1) ||
    from >= to ||
    !isNumber(skipped, MAX_SKIPPED)
  ) {
    throw invalidCursor('not a cursor of this API');
  }
  checkTimeRange({ from, to }, limits);
  return { range: { from, to }, values, skipped };
}

/** Version of the format; raised with each incompatible change. */
const VERSION = 1;

/** Maximum number of returned records at one position. */
const MAX_SKIPPED = 100_000;

function decode(text: string): unknown[] {
  try {
    const content: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(content) ? content : [];
  } catch {
    return [];
  }
}

function digest(fixed: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(fixed)).digest('base64url').slice(0, 12);
}

function areValues(
  values: readonly unknown[],
  fields: readonly FieldDeclaration[],
): values is (string | number)[] {
  return fields.every(({ type }, at) => isValue[type](values[at]));
}

/** Whether a value has a field's type, as the store writes it. */
const isValue: Readonly<Record<FieldType, (value: unknown) => boolean>> = {
  time: isTime,
  ip: (value) => typeof value === 'string' && isIPv6(value) && !value.includes('%'),
  uint8: (value) => isNumber(value, 2 ** 8 - 1),
  uint16: (value) => isNumber(value, 2 ** 16 - 1),
  uint32: (value) => isNumber(value, 2 ** 32 - 1),
  uint64: (value) => typeof value === 'string' && /^\d{1,20}$/.test(value) && BigInt(value) < 2n ** 64n,
  string: (value) => typeof value === 'string' && value.length <= 1024,
  // No table is ordered by these.
  boolean: () => false,
  enumeration: () => false,
};

/** Whether a value is a time as the store writes it, for example `2026-03-01 12:00:00.000`. */
function isTime(value: unknown): boolean {
  if (typeof value !== 'string' || !/^[\d-]{10} [\d:.]{12}$/.test(value)) return false;
  return parseTimestamp(`${value.slice(0, 10)}T${value.slice(11)}Z`) !== undefined;
}

function isNumber(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max;
}

function invalidCursor(reason: string) {
  return invalidQuery([{ parameter: 'cursor', reason }]);
}
