import { allocateColumn, columnOf, type ColumnsOf, type FlowColumn, type TextColumn } from './columns.js';
import type { FieldDeclaration, FieldType } from './field.js';
import { TextColumnBuilder } from './text-column.js';
import { isZeroColumn, zeroColumn } from './zero-columns.js';

/** The columns of several parts, one part's rows after the other's. A single part stays what it is. */
export function joinColumns<Field extends FieldDeclaration>(
  fields: readonly Field[],
  parts: readonly { readonly rows: number; readonly columns: ColumnsOf<Field> }[],
): ColumnsOf<Field> {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return only.columns;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const joined = fields.map((field: Field) => {
    const { name, type } = field;
    const columns = parts.map((part) => columnOf(part.columns, field));
    if (columns.every(isZeroColumn)) return [name, zeroColumn(type, rows)];
    return [name, type === 'text' ? joinText(columns as TextColumn[], rows) : join(columns, type, rows)];
  });
  // The declarations that the entries come from are those that the type comes from.
  return Object.fromEntries(joined) as ColumnsOf<Field>;
}

function joinText(columns: readonly TextColumn[], rows: number): TextColumn {
  const builder = new TextColumnBuilder(rows);
  let start = 0;
  for (const column of columns) {
    builder.copy(column, start);
    start += column.indexes.length;
  }
  return builder.build();
}

type ArrayColumn = Exclude<FlowColumn, TextColumn>;

function join(columns: readonly FlowColumn[], type: Exclude<FieldType, 'text'>, rows: number): FlowColumn {
  const joined = allocateColumn(type, rows);
  let start = 0;
  for (const column of columns as readonly ArrayColumn[]) {
    // Both are the array type of the field, which the compiler cannot follow through the field's name.
    (joined as { set(from: ArrayColumn, at: number): void }).set(column, start);
    start += column.length;
  }
  return joined;
}
