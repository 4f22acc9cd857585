import type { EnrichedFlows } from '../batch/batch.js';
import { buildRecords, type WrittenRow } from './build-records.js';
import { type FlowField, flowFields } from './fields.js';

/** A stored flow written by hand, for tests. */
export type FlowRow = WrittenRow<FlowField>;

/** The columns of flows written by hand. What a row leaves out is zero or empty. */
export function enrichedFlows(rows: readonly FlowRow[]): EnrichedFlows {
  return buildRecords(flowFields, rows);
}
