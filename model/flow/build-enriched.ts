import type { EnrichedFlows } from './batch.js';
import { type RowValue, writeValue } from './build-observed.js';
import { allocateColumn, type FlowColumns } from './columns.js';
import { type FlowField, flowFields } from './fields.js';

/** A stored flow written by hand, for tests: any field, as in {@link RowValue}. */
export type FlowRow = { readonly [Field in FlowField as Field['name']]?: RowValue<Field> };

/** The columns of a few flows written by hand. What a row leaves out is zero or empty. */
export function enrichedFlows(rows: readonly FlowRow[]): EnrichedFlows {
  const columns = flowFields.map((field) => {
    const column = allocateColumn(field.type, rows.length);
    for (const [index, row] of rows.entries()) {
      const value = row[field.name];
      if (value !== undefined) {
        writeValue(field.type, column, index, value, 'values' in field ? field.values : []);
      }
    }
    return [field.name, column];
  });
  // The declaration that the entries come from is the one that the type comes from.
  return { rows: rows.length, columns: Object.fromEntries(columns) as FlowColumns };
}
