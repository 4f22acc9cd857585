import { setTimeout as delay } from 'node:timers/promises';
import type { DeliveredBatch } from '@sonde/backbone/transport/transport';
import { AddressTable } from '@sonde/model/cluster/address-table';
import type { Cluster } from '@sonde/model/cluster/cluster';
import { UNKNOWN_IDENTITY } from '@sonde/model/cluster/identity-index';
import type { FlowBatch } from '@sonde/model/flow/batch';
import { halvesOf, readWide } from '@sonde/model/flow/wide';

export interface PendingOptions {
  readonly cluster: Cluster;
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
  /** How many addresses became known while flows waited, and how many did not. */
  readonly counts = { settled: 0, givenUp: 0 };

  constructor(options: PendingOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** Resolves once no address of the batches is worth waiting for, after the longest wait at the latest. */
  async settle(delivered: readonly DeliveredBatch[]): Promise<void> {
    const { waitMs = WAIT_MS, signal, cluster } = this.#options;
    const begin = this.#now();
    let waits: readonly Wait[] = this.#unknown(delivered, begin);
    while (waits.length > 0 && !signal.aborted && this.#now() - begin < waitMs) {
      await delay(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      const still = waits.filter(
        ({ address, timeMs }) => cluster.identities.lookup(address, 0, timeMs) === UNKNOWN_IDENTITY,
      );
      this.counts.settled += waits.length - still.length;
      waits = still;
    }
    for (const { address } of waits) this.#giveUp(address);
  }

  /** The addresses of flows just reported that may be pods' and that nothing is known of. */
  #unknown(delivered: readonly DeliveredBatch[], now: number): Wait[] {
    const waits: Wait[] = [];
    const seen = new AddressTable();
    for (const { batch } of delivered) {
      const ends = halvesOf(batch.columns.end_time);
      const starts = halvesOf(batch.columns.start_time);
      for (let row = 0; row < batch.rows; row++) {
        if (now - readWide(ends, row) > NEWS_MS) continue;
        this.#note(batch.columns.src_ip, row, readWide(starts, row), now, seen, waits);
        this.#note(batch.columns.dst_ip, row, readWide(starts, row), now, seen, waits);
      }
    }
    return waits;
  }

  #note(
    addresses: FlowBatch['columns']['src_ip'],
    row: number,
    timeMs: number,
    now: number,
    seen: AddressTable,
    waits: Wait[],
  ): void {
    const { identities } = this.#options.cluster;
    const at = row * 16;
    if (identities.lookup(addresses, at, timeMs) !== UNKNOWN_IDENTITY) return;
    if (!identities.podRanges.mayHold(addresses, at) || waits.length >= MOST) return;
    if (now - (this.#givenUpAt[this.#givenUp.find(addresses, at)] ?? -Infinity) < GIVEN_UP_MS) return;
    if (seen.find(addresses, at) >= 0) return;
    seen.intern(addresses, at);
    waits.push({ address: addresses.slice(at, at + 16), timeMs });
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
