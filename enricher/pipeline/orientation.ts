import type { ColumnMemory } from '@sonde/model/record/column-memory';
import { bytesPerRow, type ColumnByType, type StringColumn } from '@sonde/model/record/columns';
import type { FieldType } from '@sonde/model/record/field';
import { StringColumnBuilder, stringAt } from '@sonde/model/record/string-column';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import { isZeroColumn } from '@sonde/model/record/zero-columns';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import type { ObservedColumns } from '@sonde/model/flow/records';
import type { AddressColumn } from '../identity/block-addresses.js';
import type { DeclaredPorts } from '../identity/declared-ports.js';

const GUESSED = enumerationNumber('orientation', 'guessed');
const DECLARED = enumerationNumber('orientation', 'declared');
const REPORTER_SRC = enumerationNumber('reporter', 'src');
const REPORTER_DST = enumerationNumber('reporter', 'dst');

/** The flows of a block with the numbered addresses of their clients and servers. */
export interface OrientedFlows {
  readonly observed: ObservedColumns;
  readonly clients: AddressColumn;
  readonly servers: AddressColumn;
}

/**
 * Decides guessed directions by the ports that the cluster declares: if only one side of a flow declares its port, that
 * side is the server. Rows with the sides the wrong way round are turned; the given columns are not changed.
 */
export function orientByDeclaredPorts(
  flows: OrientedFlows,
  declared: DeclaredPorts,
  memory: ColumnMemory,
): OrientedFlows {
  const { observed } = flows;
  if (isZeroColumn(observed.orientation)) return flows;
  const { src_ip, dst_ip, src_port, dst_port, protocol } = observed;
  const times = halvesOf(observed.start_time);
  const decided: number[] = [];
  const turned: number[] = [];
  for (let row = 0; row < observed.orientation.length; row++) {
    if (observed.orientation[row] !== GUESSED) continue;
    const declares = (addresses: Uint8Array, ports: Uint16Array) =>
      declared.declares(addresses, row * 16, protocol[row] ?? 0, ports[row] ?? 0, readWide(times, row));
    const isClientDeclared = declares(src_ip, src_port);
    if (isClientDeclared === declares(dst_ip, dst_port)) continue;
    decided.push(row);
    if (isClientDeclared) turned.push(row);
  }
  if (decided.length === 0) return flows;
  const orientation = memory.column('enumeration', observed.orientation.length);
  orientation.set(observed.orientation);
  for (const row of decided) orientation[row] = DECLARED;
  const marked = { ...flows, observed: { ...observed, orientation } };
  return turned.length === 0 ? marked : turn(marked, turned, memory);
}

/** Exchanges client and server of some rows. Flows with a service address are never guessed, so it stays. */
function turn({ observed, clients, servers }: OrientedFlows, rows: readonly number[], memory: ColumnMemory) {
  const reporter = copyOf('enumeration', observed.reporter, memory);
  for (const row of rows) {
    if (reporter[row] === REPORTER_SRC) reporter[row] = REPORTER_DST;
    else if (reporter[row] === REPORTER_DST) reporter[row] = REPORTER_SRC;
  }
  const [src_ip, dst_ip] = exchanged('ip', observed.src_ip, observed.dst_ip, rows, memory);
  const [src_tunnel_ip, dst_tunnel_ip] = exchanged(
    'ip',
    observed.src_tunnel_ip,
    observed.dst_tunnel_ip,
    rows,
    memory,
  );
  const [src_port, dst_port] = exchanged('uint16', observed.src_port, observed.dst_port, rows, memory);
  const [bytes_out, bytes_in] = exchanged('uint64', observed.bytes_out, observed.bytes_in, rows, memory);
  const [packets_out, packets_in] = exchanged(
    'uint64',
    observed.packets_out,
    observed.packets_in,
    rows,
    memory,
  );
  const [src_cgroup, dst_cgroup] = exchanged(
    'uint64',
    observed.src_cgroup,
    observed.dst_cgroup,
    rows,
    memory,
  );
  const [src_process, dst_process] = exchangedStrings(
    observed.src_process,
    observed.dst_process,
    rows,
    memory,
  );
  const [clientNumbers, serverNumbers] = exchanged('uint32', clients.numbers, servers.numbers, rows, memory);
  const distinct = Math.max(clients.distinct, servers.distinct);
  return {
    observed: {
      ...observed,
      ...{ reporter, src_ip, dst_ip, src_tunnel_ip, dst_tunnel_ip, src_port, dst_port },
      ...{ bytes_out, bytes_in, packets_out, packets_in, src_cgroup, dst_cgroup, src_process, dst_process },
    },
    clients: { bytes: src_ip, numbers: clientNumbers, distinct },
    servers: { bytes: dst_ip, numbers: serverNumbers, distinct },
  };
}

type ArrayType = Exclude<FieldType, 'string'>;

function copyOf<Type extends ArrayType>(
  type: Type,
  column: ColumnByType[Type],
  memory: ColumnMemory,
): ColumnByType[Type] {
  const copy = memory.column(type, column.byteLength / bytesPerRow[type]);
  bytesOf(copy).set(bytesOf(column));
  return copy;
}

/** Copies of two columns with some rows exchanged. */
function exchanged<Type extends ArrayType>(
  type: Type,
  first: ColumnByType[Type],
  second: ColumnByType[Type],
  rows: readonly number[],
  memory: ColumnMemory,
): readonly [ColumnByType[Type], ColumnByType[Type]] {
  const copies = [copyOf(type, first, memory), copyOf(type, second, memory)] as const;
  const width = bytesPerRow[type];
  for (const row of rows) {
    const start = row * width;
    bytesOf(copies[0]).set(bytesOf(second).subarray(start, start + width), start);
    bytesOf(copies[1]).set(bytesOf(first).subarray(start, start + width), start);
  }
  return copies;
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function exchangedStrings(
  first: StringColumn,
  second: StringColumn,
  rows: readonly number[],
  memory: ColumnMemory,
): readonly [StringColumn, StringColumn] {
  const copies = [first, second].map((column) => {
    const copy = new StringColumnBuilder(column.indexes.length, memory);
    copy.copy(column, 0);
    return copy;
  });
  const [toFirst, toSecond] = copies as [StringColumnBuilder, StringColumnBuilder];
  for (const row of rows) {
    toFirst.indexes[row] = toFirst.intern(stringAt(second, row));
    toSecond.indexes[row] = toSecond.intern(stringAt(first, row));
  }
  return [toFirst.build(), toSecond.build()];
}
