import type { EnrichedFlows } from '@sonde/model/flow/records';
import { buildRecords, type WrittenRow } from './records.js';
import { type FlowField, flowFields } from '@sonde/model/flow/fields';

/** A stored flow written by hand, for tests. */
export type FlowRow = WrittenRow<FlowField>;

/** The columns of flows written by hand. What a row leaves out is zero or empty. */
export function enrichedFlows(rows: readonly FlowRow[]): EnrichedFlows {
  return buildRecords(flowFields, rows);
}
