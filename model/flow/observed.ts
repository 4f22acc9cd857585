import { allocateColumn, type ObservedColumns } from './columns.js';
import { flowFields } from './fields.js';

/** Flows as a source sees them. */
export interface ObservedFlows {
  readonly rows: number;
  readonly columns: ObservedColumns;
}

/** Columns for `rows` flows, all zero or empty, for a source to fill. */
export function allocateObservedColumns(rows: number): ObservedColumns {
  const columns = flowFields
    .filter((field) => field.origin === 'observed')
    .map((field) => [field.name, allocateColumn(field.type, rows)]);
  // The declaration that the entries come from is the one that the type comes from.
  return Object.fromEntries(columns) as ObservedColumns;
}
