import { dnsFields } from '@sonde/model/dns/fields';
import type { EnrichedDns } from '@sonde/model/dns/records';
import type { EnrichedFlows } from '@sonde/model/flow/records';
import { columnOf, type ColumnsOf, type Column, type Records } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import { flowFields } from '@sonde/model/flow/fields';

/** A block of records that arrived in the store. */
export interface LiveBlock {
  readonly flows?: EnrichedFlows;
  readonly dns?: EnrichedDns;
  /** Number of further records of each kind that the feed has dropped. */
  readonly omitted?: { readonly flows: number; readonly dns: number };
}

/** A source of new records. */
export interface LiveFeed {
  /** Calls back with each new block; returns a function that ends the subscription. Blocks are immutable. */
  subscribe(onBlock: (block: LiveBlock) => void): () => void;
}

/** A feed of the records that this process stores. */
export interface LocalFeed extends LiveFeed {
  /** Passes a block to the subscribers. The memory of its columns can be reused once this returns. */
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
      // A new function, so that subscribing one callback twice calls it twice.
      const listener = (block: LiveBlock) => onBlock(block);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function copyOf({ flows, dns, omitted }: LiveBlock): LiveBlock {
  return {
    ...(flows && { flows: copyOfRecords(flowFields, flows) }),
    ...(dns && { dns: copyOfRecords(dnsFields, dns) }),
    ...(omitted && { omitted }),
  };
}

/** Copies records. Dictionaries are never reused and need no copy. */
function copyOfRecords<Field extends FieldDeclaration>(
  fields: readonly Field[],
  { rows, columns }: Records<Field>,
): Records<Field> {
  const copied = fields.map((field: Field) => [field.name, copyOfColumn(columnOf(columns, field))] as const);
  // The entries have the names and types of the declarations.
  return { rows, columns: Object.fromEntries(copied) as ColumnsOf<Field> };
}

function copyOfColumn(column: Column): Column {
  return 'dictionary' in column ? { ...column, indexes: column.indexes.slice() } : column.slice();
}
