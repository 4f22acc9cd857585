import { ColumnMemory } from '@sonde/model/record/column-memory';
import { columnOf, type FlowColumns, type Records } from '@sonde/model/record/columns';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { isZeroColumn } from '@sonde/model/record/zero-columns';
import { encodeRecords } from './arrow.js';
import { dnsTable, flowsTable, type RecordTable } from './schema.js';
import type { RecordBlock } from './store.js';

/** The records of a block that go into one table. */
export interface TablePart {
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
export function partsOf({ flows, dns, memory = new ColumnMemory() }: RecordBlock): TablePart[] {
  return [...tableParts(dnsTable, dns, memory), ...tableParts(flowsTable, flows, memory)];
}

function tableParts(table: RecordTable, records: Records | undefined, memory: ColumnMemory): TablePart[] {
  if (!records || records.rows === 0) return [];
  const fields = table.fields.filter(
    (field) => ALWAYS_WRITTEN.has(field.name) || !isZeroColumn(columnOf(records.columns, field)),
  );
  return [{ table, rows: records.rows, fields, content: encodeRecords(fields, records, memory) }];
}

/** The first and the last offset that a block holds of a transport partition. */
export interface OffsetExtent {
  first: number;
  last: number;
}

/** What a block holds of each transport partition, by the partition's number. */
export function offsetExtents({ flows, dns }: RecordBlock): Map<number, OffsetExtent> {
  const extents = new Map<number, OffsetExtent>();
  for (const records of [flows, dns]) if (records) extendExtents(extents, records);
  return extents;
}

interface OffsetRecords {
  readonly rows: number;
  readonly columns: Pick<FlowColumns, 'transport_partition' | 'transport_offset'>;
}

/** Rows of a batch stand together: the map is asked only where partition or offset change. */
function extendExtents(extents: Map<number, OffsetExtent>, { rows, columns }: OffsetRecords): void {
  const partitions = columns.transport_partition;
  const offsets = halvesOf(columns.transport_offset);
  let lastPartition = -1;
  let lastOffset = -1;
  for (let row = 0; row < rows; row++) {
    const partition = partitions[row] ?? 0;
    const offset = readWide(offsets, row);
    if (partition === lastPartition && offset === lastOffset) continue;
    lastPartition = partition;
    lastOffset = offset;
    const extent = extents.get(partition);
    if (!extent) extents.set(partition, { first: offset, last: offset });
    else if (offset < extent.first) extent.first = offset;
    else if (offset > extent.last) extent.last = offset;
  }
}
