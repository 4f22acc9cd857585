import { ColumnMemory } from '@sonde/model/record/column-memory';
import { columnOf, type Records } from '@sonde/model/record/columns';
import { isZeroColumn } from '@sonde/model/record/zero-columns';
import { encodeRecords } from './encode.js';
import { type RecordTable, recordTables } from '../schema/record-tables.js';
import type { RecordBlock } from '../store.js';

/** The encoded records of a block for one table. */
export interface TableBlock {
  readonly table: RecordTable;
  readonly rows: number;
  /** The fields that are written; all rows of other fields have the default of their type (zero or empty). */
  readonly fields: RecordTable['fields'];
  /** The records as an Arrow stream of one record batch. */
  readonly content: readonly Uint8Array[];
}

/** Tables in write order: flows last. */
const WRITE_ORDER = [...recordTables].reverse();

/** Fields that insert statements refer to; always written. */
const ALWAYS_WRITTEN: ReadonlySet<string> = new Set([
  'start_time',
  'transport_partition',
  'transport_offset',
]);

/**
 * Encodes a block for each table that it has records for, in the order in which they are written. Omits columns of
 * zeros: most blocks have no tunnels, ICMP, drops and the like.
 * @throws RangeError if a column's length is not `rows`.
 */
export function tableBlocks({ memory = new ColumnMemory(), ...block }: RecordBlock): TableBlock[] {
  return WRITE_ORDER.flatMap((table) => encodeTable(table, block[table.name], memory));
}

function encodeTable(table: RecordTable, records: Records | undefined, memory: ColumnMemory): TableBlock[] {
  if (!records || records.rows === 0) return [];
  const fields = table.fields.filter(
    (field) => ALWAYS_WRITTEN.has(field.name) || !isZeroColumn(columnOf(records.columns, field)),
  );
  return [{ table, rows: records.rows, fields, content: encodeRecords(fields, records, memory) }];
}
