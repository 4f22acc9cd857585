import type { FlowStore } from '@sonde/backbone/store/store';
import type { LiveContext } from './context.js';
import type { KnownAnswer } from './domains.js';

/** Answers that are older say little of connections to come. */
const WARMED_HOURS = 1;
/** The latest answers that are taken in, as many as can be held. */
const MOST_ANSWERS = 200_000;

/**
 * Lets a context know the DNS answers that clients of its cluster got before this process was started, as the store
 * has them, so that connections which were made with them have names and verdicts. To be called when the cluster was
 * read and before its flows are enriched.
 * @throws StoreError if they cannot be read.
 */
export async function warmDomains(
  store: Pick<FlowStore, 'query'>,
  cluster: string,
  context: LiveContext,
  nowMs = Date.now(),
): Promise<void> {
  const answers = await store.query<KnownAnswer>(
    `SELECT toUInt8(src_kind) AS clientKind, src_namespace AS clientNamespace, src_name AS clientName,
       toString(src_ip) AS clientAddress, query_name AS name, answers AS addresses,
       toFloat64(toUnixTimestamp64Milli(min(start_time))) AS firstMs,
       toFloat64(toUnixTimestamp64Milli(max(start_time))) AS latestMs,
       argMax(answer_ttl_s, start_time) AS ttlSeconds
     FROM dns
     WHERE cluster = {cluster:String} AND answers != ''
       AND start_time > fromUnixTimestamp64Milli({now:Int64}) - INTERVAL ${WARMED_HOURS} HOUR
     GROUP BY clientKind, clientNamespace, clientName, clientAddress, name, addresses
     ORDER BY latestMs DESC LIMIT ${MOST_ANSWERS}`,
    { cluster, now: nowMs },
  );
  context.domains.remember(context.cluster, answers.reverse(), nowMs);
}
