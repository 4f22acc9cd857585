import { columnOf, type ColumnsOf, type Column } from './columns.js';
import type { FieldDeclaration } from './field.js';

/** The rows from `start` up to `end` (exclusive) of columns, sharing their memory and dictionaries. */
export function sliceColumns<Field extends FieldDeclaration>(
  fields: readonly Field[],
  columns: ColumnsOf<Field>,
  start: number,
  end: number,
): ColumnsOf<Field> {
  const sliced = fields.map((field: Field) => [
    field.name,
    slice(field, columnOf(columns, field), start, end),
  ]);
  // Entries and type are derived from the same declarations.
  return Object.fromEntries(sliced) as ColumnsOf<Field>;
}

function slice({ type }: FieldDeclaration, column: Column, start: number, end: number): Column {
  if ('dictionary' in column) {
    return { indexes: column.indexes.subarray(start, end), dictionary: column.dictionary };
  }
  return type === 'ip' ? column.subarray(start * 16, end * 16) : column.subarray(start, end);
}
