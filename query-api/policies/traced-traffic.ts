import type { TracedTraffic } from '@sonde/model/policy/board/hits';
import type { FastifyRequest } from 'fastify';
import { fromWhere, type Question, select } from '../records/question.js';
import type { RouteDependencies } from '../routes/dependencies.js';
import { SqlParameters } from '../sql/parameters.js';

/** Different traces that are looked at, those of the most flows: more are not seen where policies are in use. */
const MOST_TRACES = 50_000;

interface Row {
  readonly enforced: string;
  readonly pending: string;
  readonly from_pod: number;
  readonly flows: string;
  readonly connections: string;
  readonly bytes: string;
  readonly last_ms: string;
}

/** Traffic by what policies said of it, each connection counted once; enforced and pending traces apart. */
export async function tracedTraffic(
  dependencies: RouteDependencies,
  request: FastifyRequest,
  cluster: string,
  question: Question,
): Promise<{ readonly enforced: TracedTraffic[]; readonly pending: TracedTraffic[] }> {
  const parameters = new SqlParameters();
  const rows = await select<Row>(
    dependencies,
    request,
    `SELECT policies AS enforced, pending_policies AS pending, src_kind = 'pod' AS from_pod,
       count() AS flows, sum(connections_started) AS connections, sum(bytes_out) + sum(bytes_in) AS bytes,
       toUnixTimestamp64Milli(max(end_time)) AS last_ms
     ${fromWhere(question, request.access, parameters)}
       AND primary AND cluster = ${parameters.add(cluster, 'String')} AND policies != ''
     GROUP BY enforced, pending, from_pod ORDER BY flows DESC LIMIT ${MOST_TRACES}`,
    parameters,
  );
  const traced = (trace: 'enforced' | 'pending') =>
    rows.map((row): TracedTraffic => ({
      trace: row[trace],
      fromPod: row.from_pod !== 0,
      flows: Number(row.flows),
      connections: Number(row.connections),
      bytes: Number(row.bytes),
      lastMs: Number(row.last_ms),
    }));
  return { enforced: traced('enforced'), pending: traced('pending') };
}
