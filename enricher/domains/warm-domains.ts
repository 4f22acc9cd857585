import type { FlowStore } from '@sonde/backbone/store/store';
import type { Cluster } from '@sonde/model/cluster/cluster';
import type { FlowDomains, KnownAnswer } from './flow-domains.js';

/** Answers that are older say little of connections to come. */
const WARMED_HOURS = 1;
/** How many of the latest answers are read; as many as can be held. */
const MAX_ANSWERS = 200_000;

/**
 * Loads the DNS answers that clients of the cluster received before this process started from the store, so that
 * connections made with them have domain names and verdicts. Call it after the cluster was read and before its flows are
 * enriched.
 * @throws StoreError if they cannot be read.
 */
export async function warmDomains(
  store: Pick<FlowStore, 'query'>,
  cluster: string,
  context: { readonly cluster: Cluster; readonly domains: FlowDomains },
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
     ORDER BY latestMs DESC LIMIT ${MAX_ANSWERS}`,
    { cluster, now: nowMs },
  );
  context.domains.remember(context.cluster, answers.reverse(), nowMs);
}
