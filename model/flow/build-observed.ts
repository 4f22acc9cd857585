import { buildRecords, type WrittenRow } from './build-records.js';
import type { FieldOfOrigin } from '../record/field.js';
import type { FlowField } from './fields.js';
import { type ObservedFlows, observedFlowFields } from './observed.js';

/** A flow written by hand, for tests: any observed field. */
export type ObservedRow = WrittenRow<FieldOfOrigin<FlowField, 'observed'>>;

/** The columns of a few flows written by hand. What a row leaves out is zero or empty, and `sampling` is 1. */
export function observedFlows(rows: readonly ObservedRow[]): ObservedFlows {
  return buildRecords(
    observedFlowFields,
    rows.map((row) => ({ sampling: 1, ...row })),
  );
}
