import type { ObservedDns } from '../dns/records.js';
import type { ObservedColumns } from '../flow/records.js';

/** The version of the observed columns' meaning; raised when a reader of the old one would misread the new. */
export const FLOW_SCHEMA_VERSION = 1;

/** Flows of one node and window, as a collector publishes them. */
export interface FlowBatch {
  readonly schemaVersion: number;
  readonly cluster: string;
  readonly node: string;
  /** Counts the batches of this node since its collector started, from 0; a gap means loss. */
  readonly sequence: number;
  readonly rows: number;
  readonly columns: ObservedColumns;
  /** The DNS lookups that ended in the window; absent if there were none. */
  readonly dns?: ObservedDns;
  readonly losses: LossCounters;
}

/**
 * What could not be reported since the collector started, by reason, as cumulative counts. Reasons are named
 * `<unit>_<cause>`, for example `packets_map_full`; a reason that never occurred may be absent.
 */
export type LossCounters = Readonly<Record<string, number>>;
