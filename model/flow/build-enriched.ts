import type { EnrichedFlows } from './batch.js';
import { type RowValue, writeValue } from './build-observed.js';
import { allocateColumn, type FlowColumn, type FlowColumns, type TextColumn } from './columns.js';
import { type FlowField, flowFields } from './fields.js';

/** A stored flow written by hand, for tests: any field, as in {@link RowValue}. */
export type FlowRow = { readonly [Field in FlowField as Field['name']]?: RowValue<Field> };

/** The columns of flows written by hand. What a row leaves out is zero or empty. */
export function enrichedFlows(rows: readonly FlowRow[]): EnrichedFlows {
  const columns = flowFields.map((field) => [
    field.name,
    field.type === 'text' ? textColumn(rows.map((row) => row[field.name] ?? '')) : valueColumn(rows, field),
  ]);
  // The declaration that the entries come from is the one that the type comes from.
  return { rows: rows.length, columns: Object.fromEntries(columns) as FlowColumns };
}

function textColumn(texts: readonly string[]): TextColumn {
  const numbers = new Map<string, number>();
  const indexes = Uint32Array.from(texts, (text) => {
    const number = numbers.get(text) ?? numbers.size;
    numbers.set(text, number);
    return number;
  });
  return { indexes, dictionary: [...numbers.keys()] };
}

function valueColumn(rows: readonly FlowRow[], field: FlowField): FlowColumn {
  const column = allocateColumn(field.type, rows.length);
  const names = 'values' in field ? field.values : [];
  for (const [index, row] of rows.entries()) {
    const value = row[field.name];
    if (value !== undefined) writeValue(field.type, column, index, value, names);
  }
  return column;
}
