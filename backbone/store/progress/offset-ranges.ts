import type { FlowColumns } from '@sonde/model/flow/records';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { recordTables } from '../schema/record-tables.js';
import type { RecordBlock } from '../store.js';

/** The first and last offset of a transport partition in a block. */
export interface OffsetRange {
  first: number;
  last: number;
}

/** The offset range of each transport partition in a block, by partition number. */
export function offsetRanges(block: RecordBlock): Map<number, OffsetRange> {
  const ranges = new Map<number, OffsetRange>();
  for (const { name } of recordTables) {
    const records = block[name];
    if (records) extendRanges(ranges, records);
  }
  return ranges;
}

interface OffsetRecords {
  readonly rows: number;
  readonly columns: Pick<FlowColumns, 'transport_partition' | 'transport_offset'>;
}

/** Rows of a batch are adjacent: the map is read only where the partition or offset changes. */
function extendRanges(ranges: Map<number, OffsetRange>, { rows, columns }: OffsetRecords): void {
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
    const range = ranges.get(partition);
    if (!range) ranges.set(partition, { first: offset, last: offset });
    else if (offset < range.first) range.first = offset;
    else if (offset > range.last) range.last = offset;
  }
}
