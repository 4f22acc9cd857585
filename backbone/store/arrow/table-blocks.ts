import { ColumnMemory } from '@sonde/model/record/column-memory';
import { columnOf, type Records } from '@sonde/model/record/columns';
import { isZeroColumn } from '@sonde/model/record/zero-columns';
import { encodeRecords } from './encode.js';
import { dnsTable, flowsTable, type RecordTable } from '../schema/record-tables.js';
import type { RecordBlock } from '../store.js';

/** The records of a block that go into one table. */
export interface TableBlock {
  readonly table: RecordTable;
  readonly rows: number;
  /** The fields that are written; the others have their types' defaults, which are zero and empty, in every row. */
  readonly fields: RecordTable['fields'];
  /** The records as an Arrow stream of one record batch. */
  readonly content: readonly Uint8Array[];
}

/** What statements speak of; they are written whatever they hold. */
const ALWAYS_WRITTEN: ReadonlySet<string> = new Set([
  'start_time',
  'transport_partition',
  'transport_offset',
]);

/**
 * What a block holds for each table that it has records for, in the order in which they are written. Columns of zeros
 * are left out: of tunnels, ICMP, drops and the like most blocks have none.
 * @throws RangeError if the columns are not `rows` long.
 */
export function tableBlocks({ flows, dns, memory = new ColumnMemory() }: RecordBlock): TableBlock[] {
  return [...tableParts(dnsTable, dns, memory), ...tableParts(flowsTable, flows, memory)];
}

function tableParts(table: RecordTable, records: Records | undefined, memory: ColumnMemory): TableBlock[] {
  if (!records || records.rows === 0) return [];
  const fields = table.fields.filter(
    (field) => ALWAYS_WRITTEN.has(field.name) || !isZeroColumn(columnOf(records.columns, field)),
  );
  return [{ table, rows: records.rows, fields, content: encodeRecords(fields, records, memory) }];
}
