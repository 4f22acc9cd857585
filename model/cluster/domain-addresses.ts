import type { DomainNames } from './domain-names.js';

/** How often addresses without a valid answer are removed. */
const SWEEP_EVERY_MS = 60_000;

/**
 * The addresses of each domain name: the inverse of {@link DomainNames}, which determines how long an address has a
 * name, namely while any client has a valid answer.
 */
export class DomainAddresses {
  readonly #names: DomainNames;
  /** Addresses (16 bytes each) by name and by their bytes as a string. */
  readonly #addresses = new Map<string, Map<string, Uint8Array>>();
  readonly #changed = new Set<string>();
  #sweptMs = 0;

  constructor(names: DomainNames) {
    this.#names = names;
  }

  /** Adds an address of a name; the answer must have been added to the names, too. */
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

  /** The names whose addresses changed since the last call, with their addresses at `nowMs`. */
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
