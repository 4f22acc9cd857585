import type { ObservedDns } from '@sonde/model/dns/records';
import type { ObservedFlows } from '@sonde/model/flow/observed';

/** Where a collector's flows come from: a probe, or a capture file. */
export interface FlowSource {
  /**
   * Flows window by window. Ends when the source has no more, or after `stop`; throws if the source failed.
   */
  windows(): AsyncIterable<ObservedWindow>;
  /** Asks the source to report what it still holds and end. */
  stop(): void;
}

/** The flows of one window, its DNS lookups, and how the source stands at its end. */
export interface ObservedWindow extends ObservedFlows {
  /** Lookups that ended in the window; absent if there were none, or if the source does not tell them. */
  readonly dns?: ObservedDns;
  /**
   * Cumulative counts by name; those beginning `lost_` are losses. Names follow bpf-probe/PROTOCOL.md, and the
   * stream's own faults are among them.
   */
  readonly counters: ReadonlyMap<string, number>;
}
