import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/records';
import type { ApiClient } from './api-client.js';

/** The records of each kind, by the last part of their API path. */
export interface RowOfKind {
  readonly flows: FlowRow;
  readonly dns: DnsRow;
}

export type RecordKind = keyof RowOfKind;

/** A record with all or some of its fields, by name. */
export type StoredRecord = Readonly<Record<string, unknown>>;

/** The property of `GET /api/v1/<kind>` that contains the records. */
const PROPERTY = { flows: 'flows', dns: 'lookups' } as const satisfies Record<RecordKind, string>;

/** Selects records: times in the form of the API, a filter, and the fields to return, all if empty. */
export interface RecordsRequest {
  readonly from: string;
  readonly to?: string | undefined;
  readonly filter: string;
  readonly fields: string;
  /** Maximum number of records; the newest are returned. */
  readonly limit: number;
}

/** Records per page. */
const PAGE = 1000;

/** The newest matching records, oldest first. @throws ClientError */
export async function pastRecords<Kind extends RecordKind>(
  client: ApiClient,
  kind: Kind,
  request: RecordsRequest,
): Promise<Partial<RowOfKind[Kind]>[]> {
  const records: Partial<RowOfKind[Kind]>[] = [];
  for await (const page of recordPages(client, kind, request)) records.push(...page);
  return records.reverse();
}

/** The newest matching records, newest first, in pages. @throws ClientError */
export async function* recordPages<Kind extends RecordKind>(
  client: ApiClient,
  kind: Kind,
  { from, to, filter, fields, limit }: RecordsRequest,
): AsyncGenerator<Partial<RowOfKind[Kind]>[]> {
  let cursor: string | undefined;
  let left = limit;
  do {
    const answer: Page<Partial<RowOfKind[Kind]>> = await client.get(kind, {
      ...{ from, to, filter, fields, limit: Math.min(PAGE, left), order: 'newest' },
      cursor,
    });
    const page = answer[PROPERTY[kind]] ?? [];
    yield page;
    left -= page.length;
    cursor = answer.next;
  } while (cursor !== undefined && left > 0);
}

type Page<Row> = Readonly<Partial<Record<(typeof PROPERTY)[RecordKind], Row[]>>> & { readonly next?: string };
