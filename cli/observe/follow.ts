import { setTimeout as delay } from 'node:timers/promises';
import type { FlowRow } from '@sonde/model/flow/rows';
import { fetchFlows, type FlowsRequest } from './flows-client.js';

const POLL_MS = 1000;

/** A flow can come to the store this long after its start: a long window, and a slow way. */
const LATE_MS = 60_000;

/** Most flows that one answer of the API may hold. */
const MOST_FLOWS = 10_000;

export interface FollowOptions {
  readonly server: string;
  readonly filters: FlowsRequest['filters'];
  /** Flows that started before this moment (ms since 1970) are not given. */
  readonly sinceMs: number;
  readonly signal: AbortSignal;
  /** Told when more flows came at once than the API gives. */
  onOverrun(): void;
}

/** Gives flows as they come to the store, each once, oldest first, until the signal. */
export async function* followFlows(options: FollowOptions): AsyncGenerator<FlowRow> {
  const { server, filters, sinceMs, signal } = options;
  /** Start times of the flows that were given and can still turn up again, by key. */
  const given = new Map<string, number>();
  while (!signal.aborted) {
    const fromMs = Math.max(sinceMs, Date.now() - LATE_MS);
    const from = new Date(fromMs).toISOString();
    const flows = await fetchFlows(server, { from, limit: MOST_FLOWS, order: 'newest', filters });
    if (flows.length === MOST_FLOWS) options.onOverrun();
    for (const flow of flows.reverse()) {
      const key = keyOf(flow);
      if (given.has(key)) continue;
      given.set(key, Date.parse(flow.start_time));
      yield flow;
    }
    for (const [key, startMs] of given) if (startMs < fromMs) given.delete(key);
    await delay(POLL_MS, undefined, { signal }).catch((error: unknown) => {
      // Being stopped while waiting is the ordinary end.
      if (!signal.aborted) throw error;
    });
  }
}

/** A record is one of its batch by its five-tuple, and its batch one of all by partition and offset. */
function keyOf(flow: FlowRow): string {
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
