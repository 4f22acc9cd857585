import { setTimeout as delay } from 'node:timers/promises';
import type { DnsRow } from '@sonde/model/dns/records';
import type { FlowRow } from '@sonde/model/flow/rows';
import { fetchRecords, type RowOfKind } from './records-client.js';

const POLL_MS = 1000;

/** A record can come to the store this long after its start: a long window, and a slow way. */
const LATE_MS = 60_000;

/** Most records that one answer of the API may hold. */
const MOST_RECORDS = 10_000;

export interface FollowOptions {
  readonly server: string;
  readonly filter: string;
  /** Records that started before this moment (ms since 1970) are not given. */
  readonly sinceMs: number;
  readonly signal: AbortSignal;
  /** Told when more records came at once than the API gives. */
  onOverrun(): void;
}

/** Gives records as they come to the store, each once, oldest first, until the signal. */
export async function* followRecords<Kind extends keyof RowOfKind>(
  kind: Kind,
  options: FollowOptions,
): AsyncGenerator<RowOfKind[Kind]> {
  const { server, filter, sinceMs, signal } = options;
  /** Start times of the records that were given and can still turn up again, by key. */
  const given = new Map<string, number>();
  while (!signal.aborted) {
    const fromMs = Math.max(sinceMs, Date.now() - LATE_MS);
    const from = new Date(fromMs).toISOString();
    const records = await fetchRecords(server, kind, { from, limit: MOST_RECORDS, order: 'newest', filter });
    if (records.length === MOST_RECORDS) options.onOverrun();
    for (const record of records.reverse()) {
      const key = keyOf(record);
      if (given.has(key)) continue;
      given.set(key, Date.parse(record.start_time));
      yield record;
    }
    for (const [key, startMs] of given) if (startMs < fromMs) given.delete(key);
    await delay(POLL_MS, undefined, { signal }).catch((error: unknown) => {
      // Being stopped while waiting is the ordinary end.
      if (!signal.aborted) throw error;
    });
  }
}

/** A record is one of its batch by who talked to whom of what, and its batch one of all by partition and offset. */
function keyOf(record: FlowRow | DnsRow): string {
  return 'query_name' in record ? keyOfLookup(record) : keyOfFlow(record);
}

function keyOfLookup(lookup: DnsRow): string {
  const { transport_partition, transport_offset, query_name, query_type, start_time } = lookup;
  const ends = [lookup.src_ip, lookup.src_port, lookup.dst_ip];
  return [transport_partition, transport_offset, ...ends, query_type, query_name, start_time].join('|');
}

function keyOfFlow(flow: FlowRow): string {
  const { transport_partition, transport_offset, protocol, icmp_type, icmp_code } = flow;
  const ends = [
    flow.src_ip,
    flow.src_port,
    flow.dst_ip,
    flow.dst_port,
    flow.dst_service_ip,
    flow.dst_service_port,
  ];
  return [
    transport_partition,
    transport_offset,
    protocol,
    icmp_type,
    icmp_code,
    ...ends,
    flow.start_time,
  ].join('|');
}
