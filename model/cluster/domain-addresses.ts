import type { DomainNames } from './domain-names.js';

/** How often names are looked through for addresses that no client holds any more. */
const SWEEP_EVERY_MS = 60_000;

/**
 * The addresses of each domain name, the other way round than {@link DomainNames}, which says how long an address goes
 * by a name: for as long as one client holds an answer that says so.
 */
export class DomainAddresses {
  readonly #names: DomainNames;
  /** By name, addresses (16 bytes each) by their bytes as text. */
  readonly #addresses = new Map<string, Map<string, Uint8Array>>();
  readonly #changed = new Set<string>();
  #sweptMs = 0;

  constructor(names: DomainNames) {
    this.#names = names;
  }

  /** Takes in that a name was answered with an address, as the names were told too. */
  add(name: string, address: Uint8Array): void {
    let addresses = this.#addresses.get(name);
    if (!addresses) this.#addresses.set(name, (addresses = new Map<string, Uint8Array>()));
    const key = String.fromCharCode(...address);
    if (addresses.has(key)) return;
    addresses.set(key, address);
    this.#changed.add(name);
  }

  /** The addresses of a name (lower case, no final dot). */
  of(name: string): Uint8Array[] {
    return [...(this.#addresses.get(name)?.values() ?? [])];
  }

  /** The names whose addresses are others than when this was last asked, with those that they have at `nowMs`. */
  takeChanges(nowMs: number): Map<string, Uint8Array[]> {
    if (nowMs - this.#sweptMs >= SWEEP_EVERY_MS) this.#sweep(nowMs);
    const changes = new Map([...this.#changed].map((name) => [name, this.of(name)]));
    this.#changed.clear();
    return changes;
  }

  #sweep(nowMs: number): void {
    this.#sweptMs = nowMs;
    for (const [name, addresses] of this.#addresses) {
      for (const [key, address] of addresses) {
        if (this.#names.holds(address, name, nowMs)) continue;
        addresses.delete(key);
        this.#changed.add(name);
      }
      if (addresses.size === 0) this.#addresses.delete(name);
    }
  }
}
