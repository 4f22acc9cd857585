import type { EnrichedFlows } from '@sonde/model/flow/records';
import { buildRecords, type WrittenRow } from './records.js';
import { type FlowField, flowFields } from '@sonde/model/flow/fields';

/** A stored flow; any field can be omitted. */
export type FlowRow = WrittenRow<FlowField>;

/** Builds columns of stored flows. Omitted fields are zero or empty. */
export function enrichedFlows(rows: readonly FlowRow[]): EnrichedFlows {
  return buildRecords(flowFields, rows);
}
