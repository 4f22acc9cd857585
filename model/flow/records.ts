import type { ColumnsOf, Records } from '../record/columns.js';
import type { FieldOfOrigin } from '../record/field.js';
import { recordRow, type RowOf } from '../record/rows.js';
import { type FlowField, flowFields } from './fields.js';

/** The columns of flows that a collector fills: the observed fields. */
export type ObservedColumns = ColumnsOf<FieldOfOrigin<FlowField, 'observed'>>;

/** The columns of flows with every field, as the store receives them. */
export type FlowColumns = ColumnsOf<FlowField>;

/** Flows with every field filled, as the store receives them. */
export type EnrichedFlows = Records<FlowField>;

/** A flow as an object. */
export type FlowRow = RowOf<FlowField>;

/** One row of the flows' columns as an object. Not for hot paths. */
export function flowRow(columns: FlowColumns, row: number): FlowRow {
  return recordRow(flowFields, columns, row);
}
