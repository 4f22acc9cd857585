import { FLOW_SCHEMA_VERSION, type FlowBatch } from '@sonde/model/batch/batch';
import type { ObservedFlows } from '@sonde/model/flow/observed';

/** A batch of flows; by default the first batch of `node-a`, without losses. */
export function batchOf(
  flows: ObservedFlows,
  said: Partial<Omit<FlowBatch, keyof ObservedFlows>> = {},
): FlowBatch {
  return {
    schemaVersion: FLOW_SCHEMA_VERSION,
    cluster: 'c',
    node: 'node-a',
    sequence: 0,
    losses: {},
    ...said,
    ...flows,
  };
}
