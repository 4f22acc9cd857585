import { allocateColumns, type Records } from '../record/columns.js';
import { type ObservedColumns } from './records.js';
import type { FieldDeclaration, FieldOfOrigin } from '../record/field.js';
import { type FlowField, flowFields } from './fields.js';

/** Flows as a collector reports them. */
export type ObservedFlows = Records<FieldOfOrigin<FlowField, 'observed'>>;

/** The flow record's observed fields. */
export const observedFlowFields = observedFields(flowFields);

/** The observed fields of a list of declarations. */
export function observedFields<Field extends FieldDeclaration>(
  fields: readonly Field[],
): FieldOfOrigin<Field, 'observed'>[] {
  return fields.filter((field): field is FieldOfOrigin<Field, 'observed'> => field.origin === 'observed');
}

/** Columns for `rows` flows, all zero or empty, for a source to fill. */
export function allocateObservedColumns(rows: number): ObservedColumns {
  return allocateColumns(observedFlowFields, rows);
}
