import {
  type DecodedRecord,
  decodeRecord,
  MIN_RECORD_BYTES,
  readFixedFields,
  type RecordCounts,
} from './record.js';

/** Messages of a segment that cannot be read. */
export interface DamagedRange {
  /** The position of the first one, and after the last one. */
  readonly first: number;
  readonly end: number;
  /** The records in them, as far as it can be told. */
  readonly contents: RecordCounts;
}

/** Finds the next intact record from `start` on with a position from `first` up to `end` (exclusive). */
export function findRecord(
  bytes: Buffer,
  start: number,
  first: number,
  end: number,
): (DecodedRecord & { readonly start: number }) | undefined {
  for (let at = start; at + MIN_RECORD_BYTES <= bytes.length; at++) {
    const fields = readFixedFields(bytes, at);
    // Cheap tests before the checksum over everything.
    if (!fields || fields.position < first || fields.position >= end || fields.end > bytes.length) continue;
    const decoded = decodeRecord(bytes, at);
    if (typeof decoded !== 'string') return { ...decoded, start: at };
  }
  return undefined;
}

/**
 * Describes the messages from position `first` up to `end` (exclusive), whose records start at `start` and are damaged.
 * The counts of a record are used if its position is the expected one, since mostly its long value is damaged.
 */
export function damagedRange(bytes: Buffer, start: number, first: number, end: number): DamagedRange {
  const contents = { flows: 0, lookups: 0 };
  let at = start;
  for (let position = first; position < end; position++) {
    const fields = readFixedFields(bytes, at);
    if (fields?.position !== position) break;
    contents.flows += fields.contents.flows;
    contents.lookups += fields.contents.lookups;
    at = fields.end;
  }
  return { first, end, contents };
}
