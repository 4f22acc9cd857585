import type { Records } from '@sonde/model/record/columns';
import type { FieldDeclaration } from '@sonde/model/record/field';
import type { Access } from '@sonde/query/access/access';
import { visibleDns, visibleFlows } from '@sonde/query/access/visible-columns';
import type { RecordKind } from '@sonde/query/records/record-query';
import type { LiveBlock } from './feed.js';
import { jsonRows } from './json-rows.js';

/** What a subscription shows: the kind of records, their fields, and the client's access. */
export interface LiveView {
  readonly kind: RecordKind;
  readonly fields: readonly FieldDeclaration[];
  readonly access: Access;
}

/** A key that is equal for subscriptions that show the same of every record. */
export function viewKey({ kind, fields, access }: LiveView): string {
  // Which parts of records are visible depends on the namespaces only.
  return JSON.stringify([kind, fields.map(({ name }) => name), access.namespaces('view')]);
}

/** The visible records of a block, and each as a server-sent event. */
export interface BlockEvents {
  readonly records: Records;
  readonly event: (row: number) => Buffer;
}

/** Rendered blocks by key, kept as long as the block. */
const rendered = new WeakMap<LiveBlock, Map<string, BlockEvents | undefined>>();

/**
 * The events of a block; undefined if it has no visible records of the kind. Shared by all subscriptions with the same
 * key: each record is serialized once, when it is first needed.
 */
export function blockEvents(block: LiveBlock, view: LiveView, key: string): BlockEvents | undefined {
  const byKey = rendered.get(block) ?? new Map<string, BlockEvents | undefined>();
  rendered.set(block, byKey);
  if (!byKey.has(key)) byKey.set(key, renderBlock(block, view));
  return byKey.get(key);
}

function renderBlock({ flows, dns }: LiveBlock, { kind, fields, access }: LiveView): BlockEvents | undefined {
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
