import { setTimeout as delay } from 'node:timers/promises';
import { AddressTable } from '@sonde/model/net/address-table';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { type IdentityIndex, UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { EXTERNAL, NETWORK_SET } from '../identity/endpoint-cache.js';
import { halvesOf, readWide } from '@sonde/model/record/wide';

export interface PendingOptions {
  /** A cluster by its name in batches; undefined if its pods are never reported late, so that flows do not wait. */
  readonly clusterOf: (name: string) => Cluster | undefined;
  /** Maximum wait of flows, in ms. */
  readonly waitMs?: number;
  /** Ends all waits, also later ones. */
  readonly signal: AbortSignal;
  /** The time in ms; injected by tests. */
  readonly now?: () => number;
}

const WAIT_MS = 5_000;
const POLL_MS = 50;
/** Flows that ended before this time do not wait: their pods would have been reported. */
const RECENT_MS = 60_000;
/** Flows do not wait again for an address that stayed unknown within this time. */
const TIMED_OUT_MS = 60_000;
/** Maximum number of addresses that are waited for, and of remembered ones that stayed unknown. */
const MAX_ADDRESSES = 65_536;

interface Wait {
  readonly identities: IdentityIndex;
  readonly address: Uint8Array;
  readonly timeMs: number;
}

/**
 * Delays flows until the pods of their addresses are known, because the first packets of a pod often arrive before
 * the API server reports its address. A block waits as a whole, to keep the order. Flows wait only for addresses in ranges of
 * pods, and not again soon for one that stayed unknown. Blocks without unknown addresses cost next to nothing, because
 * they are checked after enrichment.
 */
export class PendingAddresses {
  readonly #options: PendingOptions;
  readonly #now: () => number;
  #timedOut = new AddressTable();
  #timedOutAt: number[] = [];
  /** Addresses that flows wait for now, that became known while flows waited, and that did not. */
  readonly counts = { waiting: 0, settled: 0, givenUp: 0 };

  constructor(options: PendingOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Waits until every address of enriched flows of a cluster is known or not worth waiting for, at most for the
   * maximum wait. Returns whether it waited: then the flows must be enriched again.
   */
  async settle(cluster: string, flows: EnrichedFlows): Promise<boolean> {
    const { waitMs = WAIT_MS, signal } = this.#options;
    let waits: readonly Wait[] = this.#unknown(cluster, flows, this.#now());
    if (waits.length === 0) return false;
    // Not the system clock: flows would wait for as long as it is set back.
    const deadline = performance.now() + waitMs;
    let counted = 0;
    while (waits.length > 0 && !signal.aborted && performance.now() < deadline) {
      this.counts.waiting += waits.length - counted;
      counted = waits.length;
      await delay(POLL_MS, undefined, { signal }).catch(() => undefined);
      const still = waits.filter(
        ({ identities, address, timeMs }) => identities.lookup(address, 0, timeMs) === UNKNOWN_IDENTITY,
      );
      this.counts.settled += waits.length - still.length;
      waits = still;
    }
    this.counts.waiting -= counted;
    for (const { address } of waits) this.#timeOut(address);
    return true;
  }

  /** The unknown addresses of recent flows that may belong to pods. */
  #unknown(cluster: string, { rows, columns }: EnrichedFlows, now: number): Wait[] {
    const waits: Wait[] = [];
    const identities = this.#options.clusterOf(cluster)?.identities;
    if (!identities) return waits;
    const seen = new AddressTable();
    const ends = halvesOf(columns.end_time);
    const starts = halvesOf(columns.start_time);
    const note = (kind: number | undefined, addresses: Uint8Array, row: number) => {
      if (kind !== EXTERNAL && kind !== NETWORK_SET) return;
      const at = row * 16;
      if (now - readWide(ends, row) > RECENT_MS || waits.length >= MAX_ADDRESSES) return;
      if (!identities.podRanges.mayHold(addresses, at)) return;
      if (now - (this.#timedOutAt[this.#timedOut.find(addresses, at)] ?? -Infinity) < TIMED_OUT_MS) return;
      if (seen.find(addresses, at) >= 0) return;
      seen.intern(addresses, at);
      waits.push({ identities, address: addresses.slice(at, at + 16), timeMs: readWide(starts, row) });
    };
    for (let row = 0; row < rows; row++) {
      note(columns.src_kind[row], columns.src_ip, row);
      note(columns.dst_kind[row], columns.dst_ip, row);
    }
    return waits;
  }

  #timeOut(address: Uint8Array): void {
    if (this.#timedOut.size >= MAX_ADDRESSES) {
      this.#timedOut = new AddressTable();
      this.#timedOutAt = [];
    }
    this.#timedOutAt[this.#timedOut.intern(address, 0)] = this.#now();
    this.counts.givenUp++;
  }
}
