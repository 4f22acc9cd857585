import type { ColumnsOf, Column, Records } from '@sonde/model/record/columns';
import { allocateColumn } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { StringColumnBuilder } from '@sonde/model/record/string-column';
import { type Data, Table, tableFromIPC, type TypeMap, type Vector } from 'apache-arrow';

/** Converts an Arrow IPC stream of the store to columns of the given fields. */
export function arrowRecords<Field extends FieldDeclaration>(
  fields: readonly Field[],
  stream: Uint8Array,
): Records<Field> {
  const table: Table<TypeMap> = stream.length > 0 ? tableFromIPC(stream) : new Table();
  const columns = fields.map((field) => {
    const vector = table.getChild(field.name) as Vector | null;
    if (!vector && table.numRows > 0) throw new RangeError(`the store returned no column ${field.name}`);
    return [field.name, columnFrom(field, vector, table.numRows)];
  });
  // The entries have the names and types of the declarations.
  return { rows: table.numRows, columns: Object.fromEntries(columns) as ColumnsOf<Field> };
}

function columnFrom(field: FieldDeclaration, vector: Vector | null, rows: number): Column {
  if (field.type === 'string') {
    const builder = new StringColumnBuilder(rows);
    for (let row = 0; row < rows; row++)
      builder.indexes[row] = builder.intern(String(vector?.get(row) ?? ''));
    return builder.build();
  }
  const column = allocateColumn(field.type, rows);
  let start = 0;
  for (const data of (vector?.data ?? []) as readonly Data[]) {
    copy(field, data, column, start);
    start += data.length;
  }
  return column;
}

function copy(
  { type }: FieldDeclaration,
  data: Data,
  column: Exclude<Column, { dictionary: unknown }>,
  start: number,
): void {
  const { length } = data;
  if (type === 'boolean' && data.values instanceof Uint8Array && data.values.length < length) {
    for (let row = 0; row < length; row++) column[start + row] = bitAt(data.values, data.offset + row);
    return;
  }
  const width = type === 'ip' ? 16 : 1;
  const values = data.values as Uint8Array;
  (column as { set(from: ArrayLike<number | bigint>, at: number): void }).set(
    values.subarray(0, length * width),
    start * width,
  );
}

/** Arrow booleans are bits, least significant bit first. */
function bitAt(bits: Uint8Array, index: number): number {
  return ((bits[index >> 3] ?? 0) >> (index & 7)) & 1;
}
