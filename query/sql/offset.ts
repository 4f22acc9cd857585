import type { SqlParameters } from './parameters.js';

/** SQL expression of the offset in a map by a row's transport partition; -1 if it has none. */
export function offsetSql(offsets: ReadonlyMap<number, number>, parameters: SqlParameters): string {
  if (offsets.size === 0) return '-1';
  const partitions = parameters.add([...offsets.keys()], 'Array(UInt32)');
  const values = parameters.add([...offsets.values()], 'Array(Int64)');
  return `transform(transport_partition, ${partitions}, ${values}, toInt64(-1))`;
}
