import type { ColumnMemory } from './column-memory.js';
import { columnOf, type ColumnsOf, type FlowColumn, type Records, type TextColumn } from './columns.js';
import type { FieldDeclaration, FieldType } from './field.js';
import { TextColumnBuilder } from './string-column.js';
import { PackedRecords } from '../batch/wire/packed-records.js';
import { isZeroColumn, zeroColumn } from './zero-columns.js';

/**
 * The columns of several parts in `memory`, one part's rows after the other's. Packed parts are unpacked straight into
 * their places. A single part that is not packed stays what it is.
 */
export function joinColumns<Field extends FieldDeclaration>(
  fields: readonly Field[],
  parts: readonly Records<Field>[],
  memory: ColumnMemory,
): ColumnsOf<Field> {
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0 && !(only instanceof PackedRecords)) return only.columns;
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  const joined = fields.map((field: Field) => {
    const { name, type } = field;
    if (parts.every((part) => isZero(part, field))) return [name, zeroColumn(type, rows)];
    return [
      name,
      type === 'text' ? joinTexts(parts, field, rows, memory) : join(parts, field, type, rows, memory),
    ];
  });
  // The declarations that the entries come from are those that the type comes from.
  return Object.fromEntries(joined) as ColumnsOf<Field>;
}

function isZero<Field extends FieldDeclaration>(part: Records<Field>, field: Field): boolean {
  return part instanceof PackedRecords ? !part.has(field.name) : isZeroColumn(columnOf(part.columns, field));
}

function joinTexts<Field extends FieldDeclaration>(
  parts: readonly Records<Field>[],
  field: Field,
  rows: number,
  memory: ColumnMemory,
): TextColumn {
  const builder = new TextColumnBuilder(rows, memory);
  let start = 0;
  for (const part of parts) {
    if (part instanceof PackedRecords) part.writeTexts(field, builder, start);
    else builder.copy(columnOf(part.columns, field) as TextColumn, start);
    start += part.rows;
  }
  return builder.build();
}

type ArrayColumn = Exclude<FlowColumn, TextColumn>;

function join<Field extends FieldDeclaration>(
  parts: readonly Records<Field>[],
  field: Field,
  type: Exclude<FieldType, 'text'>,
  rows: number,
  memory: ColumnMemory,
): FlowColumn {
  const joined = memory.column(type, rows);
  let start = 0;
  for (const part of parts) {
    if (part instanceof PackedRecords) {
      part.write(field, joined, start);
    } else {
      const at = type === 'ip' ? start * 16 : start;
      // Both are the array type of the field, which the compiler cannot follow through the field's name.
      const column = columnOf(part.columns, field) as ArrayColumn;
      (joined as { set(from: ArrayColumn, at: number): void }).set(column, at);
    }
    start += part.rows;
  }
  return joined;
}
