import type { Records } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { Access } from '@sonde/query/access/access';
import { visibleDns, visibleFlows } from '@sonde/query/access/visible-columns';
import type { RecordKind } from '@sonde/query/records/record-query';
import type { LiveBlock } from './feed.js';
import { jsonRows } from './json-rows.js';

/** What a view shows of records, whichever those are. */
export interface LiveView {
  readonly kind: RecordKind;
  readonly fields: readonly FieldDeclaration[];
  readonly access: Access;
}

/** A text that views have in common if they show the same of the same record. */
export function viewKey({ kind, fields, access }: LiveView): string {
  // What an access lets be seen of records is told by its namespaces alone.
  return JSON.stringify([kind, fields.map(({ name }) => name), access.namespaces('view')]);
}

/** What a view shows of a block: the records that may be seen, and each as an event. */
export interface BlockEvents {
  readonly records: Records;
  readonly event: (row: number) => Buffer;
}

/** What was worked out for a block stays as long as the block does. */
const known = new WeakMap<LiveBlock, Map<string, BlockEvents | undefined>>();

/**
 * What a view shows of a block; undefined if it has none of its kind. Worked out once for all views of one key: each record
 * is written once, when somebody first needs it.
 */
export function blockEvents(block: LiveBlock, view: LiveView, key: string): BlockEvents | undefined {
  const ofBlock = known.get(block) ?? new Map<string, BlockEvents | undefined>();
  known.set(block, ofBlock);
  if (!ofBlock.has(key)) ofBlock.set(key, workOut(block, view));
  return ofBlock.get(key);
}

function workOut({ flows, dns }: LiveBlock, { kind, fields, access }: LiveView): BlockEvents | undefined {
  const records = kind === 'flows' ? flows && visibleFlows(flows, access) : dns && visibleDns(dns, access);
  if (!records || records.rows === 0) return undefined;
  let json: ReturnType<typeof jsonRows> | undefined;
  const events: Buffer[] = [];
  return {
    records,
    event(row) {
      json ??= jsonRows(fields, records.columns);
      return (events[row] ??= Buffer.from(`data: ${json(row)}\n\n`));
    },
  };
}
