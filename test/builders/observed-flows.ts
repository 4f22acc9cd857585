import { buildRecords, type WrittenRow } from './records.js';
import type { FieldOfOrigin } from '@sonde/model/record/field';
import type { FlowField } from '@sonde/model/flow/fields';
import { type ObservedFlows, observedFlowFields } from '@sonde/model/flow/observed';

/** An observed flow; any field can be omitted. */
export type ObservedFlowRow = WrittenRow<FieldOfOrigin<FlowField, 'observed'>>;

/** Builds columns of observed flows. Omitted fields are zero or empty; `sampling` is 1. */
export function observedFlows(rows: readonly ObservedFlowRow[]): ObservedFlows {
  return buildRecords(
    observedFlowFields,
    rows.map((row) => ({ sampling: 1, ...row })),
  );
}
