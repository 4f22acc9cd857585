import { setTimeout as delay } from 'node:timers/promises';
import type { DeliveredBatch } from '@sonde/backbone/transport/transport';
import { AddressTable } from '@sonde/model/cluster/address-table';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { type IdentityIndex, UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import { halvesOf, readWide } from '@sonde/model/flow/wide';

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

interface Wait {
  readonly identities: IdentityIndex;
  readonly address: Uint8Array;
  readonly timeMs: number;
}

/**
 * Lets flows wait until the pods that hold their addresses are known, since a pod's first packets often come before
 * the API server tells of its address. All that was delivered waits together, so that order stays; only addresses
 * where pods live are waited for, and one that stayed unknown not again soon.
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

  /** Resolves once no address of the batches is worth waiting for, after the longest wait at the latest. */
  async settle(delivered: readonly DeliveredBatch[]): Promise<void> {
    const { waitMs = WAIT_MS, signal } = this.#options;
    const begin = this.#now();
    let waits: readonly Wait[] = this.#unknown(delivered, begin);
    while (waits.length > 0 && !signal.aborted && this.#now() - begin < waitMs) {
      this.counts.waiting = waits.length;
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      const still = waits.filter(
        ({ identities, address, timeMs }) => identities.lookup(address, 0, timeMs) === UNKNOWN_IDENTITY,
      );
      this.counts.settled += waits.length - still.length;
      waits = still;
    }
    this.counts.waiting = 0;
    for (const { address } of waits) this.#giveUp(address);
  }

  /** The addresses of flows just reported that may be pods' and that nothing is known of. */
  #unknown(delivered: readonly DeliveredBatch[], now: number): Wait[] {
    const waits: Wait[] = [];
    const seenOf = new Map<IdentityIndex, AddressTable>();
    for (const { batch } of delivered) {
      const identities = this.#options.clusterOf(batch.cluster)?.identities;
      if (!identities) continue;
      const seen = seenOf.get(identities) ?? new AddressTable();
      seenOf.set(identities, seen);
      const note = (addresses: Uint8Array, row: number, timeMs: number) => {
        const at = row * 16;
        if (identities.lookup(addresses, at, timeMs) !== UNKNOWN_IDENTITY) return;
        if (!identities.podRanges.mayHold(addresses, at) || waits.length >= MOST) return;
        if (now - (this.#givenUpAt[this.#givenUp.find(addresses, at)] ?? -Infinity) < GIVEN_UP_MS) return;
        if (seen.find(addresses, at) >= 0) return;
        seen.intern(addresses, at);
        waits.push({ identities, address: addresses.slice(at, at + 16), timeMs });
      };
      const ends = halvesOf(batch.columns.end_time);
      const starts = halvesOf(batch.columns.start_time);
      for (let row = 0; row < batch.rows; row++) {
        if (now - readWide(ends, row) > NEWS_MS) continue;
        note(batch.columns.src_ip, row, readWide(starts, row));
        note(batch.columns.dst_ip, row, readWide(starts, row));
      }
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
