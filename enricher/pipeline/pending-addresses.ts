import { setTimeout as delay } from 'node:timers/promises';
import { AddressTable } from '@sonde/model/net/address-table';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { type IdentityIndex, UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { EXTERNAL, NETWORK_SET } from '../identity/endpoint-cache.js';
import { halvesOf, readWide } from '@sonde/model/record/wide';

export interface PendingOptions {
  /** A cluster by its name, as batches give it; undefined if it tells of nothing late, so that none is waited for. */
  readonly clusterOf: (name: string) => Cluster | undefined;
  /** How long flows wait at most, in ms. */
  readonly waitMs?: number;
  /** Ends all waiting, now and later, as when everything is to stop. */
  readonly signal: AbortSignal;
  /** The time in ms; injected by tests. */
  readonly now?: () => number;
}

const WAIT_MS = 5_000;
const LOOK_EVERY_MS = 50;
/** Flows that ended so long ago are no news: the cluster had its time to tell of their pods. */
const NEWS_MS = 60_000;
/** For so long nobody waits again for an address that stayed unknown. */
const GIVEN_UP_MS = 60_000;
/** Addresses that are waited for at once, and given up ones that are remembered, at most. */
const MOST = 65_536;

/** The kinds of ends whose address nobody is known to hold. */

interface Wait {
  readonly identities: IdentityIndex;
  readonly address: Uint8Array;
  readonly timeMs: number;
}

/**
 * Lets flows wait until the pods that hold their addresses are known, since a pod's first packets often come before
 * the API server tells of its address. A block waits as a whole, so that order stays; only addresses where pods live are
 * waited for, and one that stayed unknown not again soon. What it costs blocks whose ends are all known is next to nothing,
 * since it looks at them when they are enriched.
 */
export class PendingAddresses {
  readonly #options: PendingOptions;
  readonly #now: () => number;
  #givenUp = new AddressTable();
  #givenUpAt: number[] = [];
  /** How many addresses flows wait for now, how many became known while flows waited, and how many did not. */
  readonly counts = { waiting: 0, settled: 0, givenUp: 0 };

  constructor(options: PendingOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Resolves once no address of flows of a cluster, as they were enriched, is worth waiting for, after the longest wait at
   * the latest. Says whether it waited: then they are to be enriched again.
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
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      const still = waits.filter(
        ({ identities, address, timeMs }) => identities.lookup(address, 0, timeMs) === UNKNOWN_IDENTITY,
      );
      this.counts.settled += waits.length - still.length;
      waits = still;
    }
    this.counts.waiting -= counted;
    for (const { address } of waits) this.#giveUp(address);
    return true;
  }

  /** The addresses of flows just reported that may be pods' and that nothing is known of. */
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
      if (now - readWide(ends, row) > NEWS_MS || waits.length >= MOST) return;
      if (!identities.podRanges.mayHold(addresses, at)) return;
      if (now - (this.#givenUpAt[this.#givenUp.find(addresses, at)] ?? -Infinity) < GIVEN_UP_MS) return;
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

  #giveUp(address: Uint8Array): void {
    if (this.#givenUp.size >= MOST) {
      this.#givenUp = new AddressTable();
      this.#givenUpAt = [];
    }
    this.#givenUpAt[this.#givenUp.intern(address, 0)] = this.#now();
    this.counts.givenUp++;
  }
}
