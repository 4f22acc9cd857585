import { type Column, columnOf, type ColumnsOf } from './columns.js';
import type { FieldDeclaration } from './field.js';

/** A copy of some rows of columns, in their order. String columns keep their dictionaries. */
export function selectRows<Field extends FieldDeclaration>(
  fields: readonly Field[],
  columns: ColumnsOf<Field>,
  rows: readonly number[],
): ColumnsOf<Field> {
  const selected = fields.map((field: Field) => [field.name, select(field, columnOf(columns, field), rows)]);
  // Entries and type are derived from the same declarations.
  return Object.fromEntries(selected) as ColumnsOf<Field>;
}

function select({ type }: FieldDeclaration, column: Column, rows: readonly number[]): Column {
  if ('dictionary' in column)
    return { ...column, indexes: Uint32Array.from(rows, (row) => column.indexes[row] ?? 0) };
  if (column instanceof BigUint64Array) return BigUint64Array.from(rows, (row) => column[row] ?? 0n);
  if (column instanceof Uint32Array) return Uint32Array.from(rows, (row) => column[row] ?? 0);
  if (column instanceof Uint16Array) return Uint16Array.from(rows, (row) => column[row] ?? 0);
  if (type !== 'ip') return Uint8Array.from(rows, (row) => column[row] ?? 0);
  const addresses = new Uint8Array(rows.length * 16);
  for (const [place, row] of rows.entries())
    addresses.set(column.subarray(row * 16, row * 16 + 16), place * 16);
  return addresses;
}
