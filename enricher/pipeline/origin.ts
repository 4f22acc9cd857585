import type { DeliveredBatch } from '@sonde/backbone/transport/interface/transport';
import type { FlowBatch } from '@sonde/model/batch/batch';
import type { ColumnMemory } from '@sonde/model/record/column-memory';
import { StringColumnBuilder } from '@sonde/model/record/string-column';
import { halvesOf, writeWide } from '@sonde/model/record/wide';

/** The cluster, node and transport position of each row, which are the same for all rows of a batch. */
export function origin(
  delivered: readonly DeliveredBatch[],
  rowsOf: (batch: FlowBatch) => number,
  memory: ColumnMemory,
) {
  const rows = delivered.reduce((sum, { batch }) => sum + rowsOf(batch), 0);
  const cluster = new StringColumnBuilder(rows, memory);
  const node = new StringColumnBuilder(rows, memory);
  const partitions = memory.column('uint32', rows);
  const offsets = memory.column('uint64', rows);
  const offsetHalves = halvesOf(offsets);
  let start = 0;
  for (const { batch, partition, offset } of delivered) {
    const end = start + rowsOf(batch);
    cluster.fill(batch.cluster, start, end);
    node.fill(batch.node, start, end);
    partitions.fill(partition, start, end);
    for (let row = start; row < end; row++) writeWide(offsetHalves, row, offset);
    start = end;
  }
  return {
    cluster: cluster.build(),
    node: node.build(),
    transport_partition: partitions,
    transport_offset: offsets,
  };
}
