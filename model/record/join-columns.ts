import type { ColumnMemory } from './column-memory.js';
import { columnOf, type ColumnsOf, type Column, type Records, type StringColumn } from './columns.js';
import type { FieldDeclaration, FieldType } from './field.js';
import { StringColumnBuilder } from './string-column.js';
import { isZeroColumn, zeroColumn } from './zero-columns.js';

/** Records that write their columns directly into joined columns, such as messages of the wire format. */
export interface PackedColumns<Field extends FieldDeclaration = FieldDeclaration> extends Records<Field> {
  /** Whether there is a column of this name; otherwise the field is zero or empty in every row. */
  has(name: string): boolean;
  /** Writes a field other than a string into the rows from `start` on of a column of its type. */
  write(field: FieldDeclaration, column: ArrayColumn, start: number): void;
  /** Writes a string field into the rows from `start` on. */
  writeStrings(field: FieldDeclaration, column: StringColumnBuilder, start: number): void;
}

/**
 * Joins the columns of several parts in `memory`, in the order of the parts. Packed parts are unpacked directly into their
 * rows. A single part that is not packed is returned unchanged.
 */
export function joinColumns<Field extends FieldDeclaration>(
  fields: readonly Field[],
  parts: readonly Records<Field>[],
  memory: ColumnMemory,
): ColumnsOf<Field> {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0 && !isPacked(only)) return only.columns;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const joined = fields.map((field: Field) => {
    const { name, type } = field;
    if (parts.every((part) => isZero(part, field))) return [name, zeroColumn(type, rows)];
    return [
      name,
      type === 'string' ? joinStrings(parts, field, rows, memory) : join(parts, field, type, rows, memory),
    ];
  });
  // Entries and type are derived from the same declarations.
  return Object.fromEntries(joined) as ColumnsOf<Field>;
}

function isZero<Field extends FieldDeclaration>(part: Records<Field>, field: Field): boolean {
  return isPacked(part) ? !part.has(field.name) : isZeroColumn(columnOf(part.columns, field));
}

function joinStrings<Field extends FieldDeclaration>(
  parts: readonly Records<Field>[],
  field: Field,
  rows: number,
  memory: ColumnMemory,
): StringColumn {
  const builder = new StringColumnBuilder(rows, memory);
  let start = 0;
  for (const part of parts) {
    if (isPacked(part)) part.writeStrings(field, builder, start);
    else builder.copy(columnOf(part.columns, field) as StringColumn, start);
    start += part.rows;
  }
  return builder.build();
}

type ArrayColumn = Exclude<Column, StringColumn>;

function join<Field extends FieldDeclaration>(
  parts: readonly Records<Field>[],
  field: Field,
  type: Exclude<FieldType, 'string'>,
  rows: number,
  memory: ColumnMemory,
): Column {
  const joined = memory.column(type, rows);
  let start = 0;
  for (const part of parts) {
    if (isPacked(part)) {
      part.write(field, joined, start);
    } else {
      const at = type === 'ip' ? start * 16 : start;
      // Both have the array type of the field, which the compiler cannot derive from the field's name.
      const column = columnOf(part.columns, field) as ArrayColumn;
      (joined as { set(from: ArrayColumn, at: number): void }).set(column, at);
    }
    start += part.rows;
  }
  return joined;
}

function isPacked<Field extends FieldDeclaration>(part: Records<Field>): part is PackedColumns<Field> {
  return 'writeStrings' in part;
}
