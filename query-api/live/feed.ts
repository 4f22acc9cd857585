import type { EnrichedDns } from '@sonde/model/dns/records';
import type { EnrichedFlows } from '@sonde/model/flow/batch';

/** Records that have come to the store, as far as a feed has them. */
export interface LiveBlock {
  readonly flows?: EnrichedFlows;
  readonly dns?: EnrichedDns;
  /** How many more there were of each kind, which the feed had to leave out. */
  readonly left?: { readonly flows: number; readonly dns: number };
}

/** Where live views get their records from. */
export interface LiveFeed {
  /** Calls back with each block from now on, until the function that it returns is called. */
  subscribe(onBlock: (block: LiveBlock) => void): () => void;
}

/** A feed of what this process itself stores. */
export interface LocalFeed extends LiveFeed {
  publish(block: LiveBlock): void;
}

export function createLocalFeed(): LocalFeed {
  const listeners = new Set<(block: LiveBlock) => void>();
  return {
    publish(block) {
      for (const listener of listeners) listener(block);
    },
    subscribe(onBlock) {
      // A function of its own, so that who subscribes twice is called twice.
      const listener = (block: LiveBlock) => onBlock(block);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
