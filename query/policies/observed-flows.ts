import { formatAddress, parseAddress } from '@sonde/model/net/address';
import { UNRELATED } from '@sonde/model/policy/evaluate/connection';
import type { ObservedEndpoint, ObservedFlow } from '@sonde/model/policy/suggest/observed';
import { QueryError } from '../errors.js';
import { fromWhere, type RecordQuery, select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import { flowSql } from './flow-sql.js';

/** Maximum number of distinct flows for a suggestion. */
const MAX_OBSERVED = 100_000;

type TextColumn =
  | `${'src' | 'dst'}_${'namespace' | 'end_name' | 'labels' | 'address'}`
  | 'domain'
  | 'source_account'
  | 'flows'
  | 'connections'
  | 'bytes'
  | 'first_ms'
  | 'last_ms';

type Row = Readonly<
  Record<TextColumn, string> & Record<'proto' | 'port' | 'source_port' | 'guessed' | 'allowed', number>
> & {
  readonly src_kind: ObservedEndpoint['kind'];
  readonly dst_kind: ObservedEndpoint['kind'];
};

/**
 * The flows of a query from or to pods or services of a namespace that policies allow, grouped. Flows to a service address
 * without a verdict are included.
 * @throws QueryError SONDE_QUERY_TOO_LARGE if there are too many distinct flows.
 */
export async function observedFlows(
  context: QueryContext,
  cluster: string,
  namespace: string,
  query: RecordQuery,
): Promise<ObservedFlow[]> {
  const parameters = new SqlParameters();
  const { port, guessed, linkUpkeep, icmpError, relation } = flowSql(parameters);
  const own = parameters.add(namespace, 'String');
  const ends = (['src', 'dst'] as const).map(
    (end) => `${end}_kind, ${end}_namespace, ${end}_end_name, ${end}_labels, ${end}_address`,
  );
  // Domain names that only occur in TLS handshakes have no known addresses.
  const { range } = query;
  const anyLookup = { kind: 'dns', range, filter: { kind: 'constant', value: true } } as const;
  const lookedUp = `SELECT lower(toString(query_name)) ${fromWhere(anyLookup, context.access, parameters)} AND answers != ''`;
  const rows = await select<Row>(
    context,
    `SELECT ${(['src', 'dst'] as const).map(endpointColumns).join(', ')},
       if(dst_kind = 'external' AND dst_domain != '' AND lower(toString(dst_domain)) IN (${lookedUp}), dst_domain, '') AS domain,
       if(dst_kind = 'service', src_service_account, '') AS source_account, action = 'allow' AS allowed,
       protocol AS proto, ${port} AS port, ${guessed} AS guessed, min(src_port) AS source_port,
       count() AS flows, sum(connections_started) AS connections, sum(bytes_out) + sum(bytes_in) AS bytes,
       toUnixTimestamp64Milli(min(start_time)) AS first_ms, toUnixTimestamp64Milli(max(end_time)) AS last_ms
     ${fromWhere(query, context.access, parameters)}
       AND primary AND cluster = ${parameters.add(cluster, 'String')}
       AND (action = 'allow' OR (dst_kind = 'service' AND action = 'unknown'))
       AND ((src_kind = 'pod' AND src_namespace = ${own}) OR (dst_kind IN ('pod', 'service') AND dst_namespace = ${own}))
       AND ${relation} = ${UNRELATED} AND NOT ${linkUpkeep} AND NOT ${icmpError}
     GROUP BY ${ends.join(', ')}, domain, source_account, allowed, proto, port, guessed
     ORDER BY flows DESC LIMIT ${MAX_OBSERVED + 1}`,
    parameters,
  );
  if (rows.length > MAX_OBSERVED) {
    throw new QueryError(
      'SONDE_QUERY_TOO_LARGE',
      `there are more than ${MAX_OBSERVED} distinct flows: use a shorter time range or a filter`,
    );
  }
  return rows.map((row) => ({
    src: endpointOf(row, 'src'),
    dst: endpointOf(row, 'dst'),
    ...{ protocol: row.proto, port: row.port, sourcePort: row.source_port, guessed: row.guessed !== 0 },
    ...{ domain: row.domain, sourceAccount: row.source_account, allowed: row.allowed !== 0 },
    traffic: {
      ...{ flows: Number(row.flows), connections: Number(row.connections), bytes: Number(row.bytes) },
      ...{ firstMs: Number(row.first_ms), lastMs: Number(row.last_ms) },
    },
  }));
}

/** The columns of one side. Pods are distinguished by workload, everything else also by address. */
function endpointColumns(end: 'src' | 'dst'): string {
  return `${end}_kind, ${end}_namespace, ${end}_labels,
    if(${end}_kind = 'pod' AND ${end}_workload != '', ${end}_workload, ${end}_name) AS ${end}_end_name,
    if(${end}_kind = 'pod', '::', toString(${end}_ip)) AS ${end}_address`;
}

function endpointOf(row: Row, end: 'src' | 'dst'): ObservedEndpoint {
  return {
    kind: row[`${end}_kind`],
    namespace: row[`${end}_namespace`],
    name: row[`${end}_end_name`],
    labels: row[`${end}_labels`],
    address: formatAddress(parseAddress(row[`${end}_address`])),
  };
}
