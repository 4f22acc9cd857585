import type { FlowBatch } from '@sonde/model/flow/batch';
import {
  allocateColumn,
  type FlowColumn,
  type ObservedColumns,
  type TextColumn,
} from '@sonde/model/flow/columns';
import { flowFields } from '@sonde/model/flow/fields';
import { TextColumnBuilder } from './text-column.js';

/** The observed columns of several batches, one after the other. */
export function joinObserved(batches: readonly FlowBatch[]): ObservedColumns {
  const [only, ...others] = batches;
  if (only !== undefined && others.length === 0) return only.columns;
  const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
  const joined = flowFields
    .filter((field) => field.origin === 'observed')
    .map((field) => {
      const columns = batches.map((batch) => batch.columns[field.name]);
      return [
        field.name,
        field.type === 'text' ? joinText(columns as TextColumn[], rows) : join(columns, field.type, rows),
      ];
    });
  return Object.fromEntries(joined) as ObservedColumns;
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

function join(
  columns: readonly FlowColumn[],
  type: 'time' | 'ip' | 'uint8' | 'uint16' | 'uint32' | 'uint64' | 'boolean' | 'enumeration',
  rows: number,
): FlowColumn {
  const joined = allocateColumn(type, rows);
  let start = 0;
  for (const column of columns as readonly ArrayColumn[]) {
    // Both are the array type of the field, which the compiler cannot follow through the field's name.
    (joined as { set(from: ArrayColumn, at: number): void }).set(column, start);
    start += column.length;
  }
  return joined;
}
