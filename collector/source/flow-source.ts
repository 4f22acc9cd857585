import type { ObservedDns } from '@sonde/model/dns/records';
import type { ObservedFlows } from '@sonde/model/flow/observed';

/** A source of flows: a probe or a pcap file. */
export interface FlowSource {
  /**
   * Yields the flows of one window at a time. Ends when the source is exhausted or stopped; throws if the source fails.
   */
  windows(): AsyncIterable<ObservedWindow>;
  /** Makes the source report its last window and end. */
  stop(): void;
}

/** The flows and DNS lookups of one window, and the source's counters at its end. */
export interface ObservedWindow extends ObservedFlows {
  /** Lookups that ended in the window; absent if there were none. */
  readonly dns?: ObservedDns;
  /**
   * Cumulative counters by name (bpf-probe/PROTOCOL.md, and the faults of the stream). Counters that begin with `lost_`
   * are losses.
   */
  readonly counters: ReadonlyMap<string, number>;
}
