import { buildRecords, type WrittenRow } from './records.js';
import type { FieldOfOrigin } from '@sonde/model/record/field';
import type { FlowField } from '@sonde/model/flow/fields';
import { type ObservedFlows, observedFlowFields } from '@sonde/model/flow/observed';

/** A flow written by hand, for tests: any observed field. */
export type ObservedRow = WrittenRow<FieldOfOrigin<FlowField, 'observed'>>;

/** The columns of a few flows written by hand. What a row leaves out is zero or empty, and `sampling` is 1. */
export function observedFlows(rows: readonly ObservedRow[]): ObservedFlows {
  return buildRecords(
    observedFlowFields,
    rows.map((row) => ({ sampling: 1, ...row })),
  );
}
