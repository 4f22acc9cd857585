import type { StepTraffic } from '@sonde/model/policy/activity/policy-counters';
import { QueryError } from '../errors.js';
import { fromWhere, type RecordQuery, select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';

/** Maximum number of distinct trace steps: a few per rule. */
const MAX_STEPS = 200_000;

interface Row {
  readonly is_pending: number;
  readonly direction: StepTraffic['direction'];
  readonly met: string;
  readonly flows: string;
  readonly connections: string;
  readonly bytes: string;
  readonly last_ms: string;
}

/**
 * The position in a trace of the server's first step; 0 if all steps are of one side. Each side counts its steps from 0. If
 * the client is a visible pod, the steps of one side are the client's.
 */
const secondBegin = `arrayFirstIndex((one, place) -> place > 1 AND startsWith(one, '0|'), steps, arrayEnumerate(steps))`;

/**
 * Traffic by trace step, each connection counted once: with the enforced policies, and as if staged ones were enforced.
 * @throws QueryError SONDE_QUERY_TOO_LARGE if there are too many distinct steps.
 */
export async function stepTraffic(
  context: QueryContext,
  cluster: string,
  query: RecordQuery,
): Promise<{ readonly enforced: StepTraffic[]; readonly pending: StepTraffic[] }> {
  const parameters = new SqlParameters();
  const rows = await select<Row>(
    context,
    `SELECT is_pending, substring(step, position(step, '|') + 1) AS met,
       if(if(server_from > 0, place < server_from, from_pod), 'egress', 'ingress') AS direction,
       sum(flows) AS flows, sum(connections) AS connections, sum(bytes) AS bytes,
       toUnixTimestamp64Milli(max(last)) AS last_ms
     FROM (
       SELECT is_pending, splitByChar(',', trace) AS steps, ${secondBegin} AS server_from,
         from_pod, flows, connections, bytes, last
       FROM (
         SELECT toString(policies) AS enforced, toString(pending_policies) AS pending,
           src_kind = 'pod' AND src_namespace != '' AS from_pod,
           count() AS flows, sum(connections_started) AS connections, sum(bytes_out) + sum(bytes_in) AS bytes,
           max(end_time) AS last
         ${fromWhere(query, context.access, parameters)}
           AND primary AND cluster = ${parameters.add(cluster, 'String')} AND (policies != '' OR pending_policies != '')
         GROUP BY policies, pending_policies, from_pod
       )
       ARRAY JOIN [enforced, pending] AS trace, [0, 1] AS is_pending
       WHERE trace != ''
     )
     ARRAY JOIN steps AS step, arrayEnumerate(steps) AS place
     GROUP BY is_pending, direction, met ORDER BY is_pending, met, direction LIMIT ${MAX_STEPS + 1}`,
    parameters,
  );
  if (rows.length > MAX_STEPS) {
    throw new QueryError(
      'SONDE_QUERY_TOO_LARGE',
      `there are more than ${MAX_STEPS} distinct trace steps: use a shorter time range or a filter`,
    );
  }
  const steps = (isPending: number) =>
    rows.filter(({ is_pending }) => is_pending === isPending).map(trafficOf);
  return { enforced: steps(0), pending: steps(1) };
}

function trafficOf({ met, direction, flows, connections, bytes, last_ms }: Row): StepTraffic {
  return {
    ...{ step: met, direction, lastMs: Number(last_ms) },
    ...{ flows: Number(flows), connections: Number(connections), bytes: Number(bytes) },
  };
}
