import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/records';
import type { ApiClient } from '../client/api-client.js';

/** The records of each kind that an API serves, by the name of its path. */
export interface RowOfKind {
  readonly flows: FlowRow;
  readonly dns: DnsRow;
}

export type RecordKind = keyof RowOfKind;

/** Under which name an answer of `GET /api/v1/<kind>` holds its records. */
const MEMBER = { flows: 'flows', dns: 'lookups' } as const satisfies Record<RecordKind, string>;

/** Which records are asked for: times as the API takes them, a filter, and the fields to give, all if empty. */
export interface RecordsRequest {
  readonly from: string;
  readonly to?: string | undefined;
  readonly filter: string;
  readonly fields: string;
  /** How many at most, the newest. */
  readonly limit: number;
}

/** Most records of one page. */
const PAGE = 1000;

/** The newest records that are asked for, oldest first, page by page. @throws ClientError */
export async function pastRecords<Kind extends RecordKind>(
  client: ApiClient,
  kind: Kind,
  { from, to, filter, fields, limit }: RecordsRequest,
): Promise<Partial<RowOfKind[Kind]>[]> {
  const records: Partial<RowOfKind[Kind]>[] = [];
  let cursor: string | undefined;
  do {
    const page = Math.min(PAGE, limit - records.length);
    const answer = await client.get<Page<Partial<RowOfKind[Kind]>>>(kind, {
      ...{ from, to, filter, fields, limit: page, order: 'newest' },
      cursor,
    });
    records.push(...(answer[MEMBER[kind]] ?? []));
    cursor = answer.next;
  } while (cursor !== undefined && records.length < limit);
  return records.reverse();
}

type Page<Row> = Readonly<Partial<Record<(typeof MEMBER)[RecordKind], Row[]>>> & { readonly next?: string };
