import { dnsFields } from '@sonde/model/dns/fields';
import type { EnrichedDns } from '@sonde/model/dns/records';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { columnOf, type ColumnsOf, type Column, type Records } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';

/** Records that have come to the store, as far as a feed has them. */
export interface LiveBlock {
  readonly flows?: EnrichedFlows;
  readonly dns?: EnrichedDns;
  /** How many more there were of each kind, which the feed had to leave out. */
  readonly left?: { readonly flows: number; readonly dns: number };
}

/** Where live views get their records from. */
export interface LiveFeed {
  /** Calls back with each block from now on, until the function that it returns is called. Blocks stay as they are. */
  subscribe(onBlock: (block: LiveBlock) => void): () => void;
}

/** A feed of what this process itself stores. */
export interface LocalFeed extends LiveFeed {
  /** Gives a block to those who follow the feed. The memory of its columns may serve others once this returns. */
  publish(block: LiveBlock): void;
}

export function createLocalFeed(): LocalFeed {
  const listeners = new Set<(block: LiveBlock) => void>();
  return {
    publish(block) {
      if (listeners.size === 0) return;
      const copy = copyOf(block);
      for (const listener of listeners) listener(copy);
    },
    subscribe(onBlock) {
      // A function of its own, so that who subscribes twice is called twice.
      const listener = (block: LiveBlock) => onBlock(block);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function copyOf({ flows, dns, left }: LiveBlock): LiveBlock {
  return {
    ...(flows && { flows: copyOfRecords(flowFields, flows) }),
    ...(dns && { dns: copyOfRecords(dnsFields, dns) }),
    ...(left && { left }),
  };
}

/** Records in memory of their own. Dictionaries are their block's alone and need no copy. */
function copyOfRecords<Field extends FieldDeclaration>(
  fields: readonly Field[],
  { rows, columns }: Records<Field>,
): Records<Field> {
  const copied = fields.map((field: Field) => [field.name, copyOfColumn(columnOf(columns, field))] as const);
  // The declarations that the entries come from are those that the type comes from.
  return { rows, columns: Object.fromEntries(copied) as ColumnsOf<Field> };
}

function copyOfColumn(column: Column): Column {
  return 'dictionary' in column ? { ...column, indexes: column.indexes.slice() } : column.slice();
}
