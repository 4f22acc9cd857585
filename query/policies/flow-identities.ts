import { formatAddress, parseAddress } from '@sonde/model/net/address';
import type { Relation } from '@sonde/model/policy/evaluate/connection';
import type { FlowEndpoint, FlowIdentity } from '@sonde/model/policy/preview/flow-identity';
import { UNKNOWN_SOURCE_PORT } from '@sonde/model/policy/preview/evaluate-flows';
import type { PolicySnapshot } from '@sonde/model/policy/preview/snapshot';
import { fromWhere, type RecordQuery, select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import { addressClassSql } from './address-classes.js';
import { type FlowSql, flowSql } from './flow-sql.js';

/** Maximum number of flow identities per request; those with the fewest flows are not evaluated. */
const MAX_IDENTITIES = 100_000;

/** Columns that distinguish endpoints, apart from their addresses. */
const ENDPOINT_COLUMNS = [
  ...['src_kind', 'src_namespace', 'src_workload', 'src_labels', 'src_service_account'],
  ...['dst_kind', 'dst_namespace', 'dst_workload', 'dst_labels', 'dst_service_account', 'dst_domain'],
];

/** Flows that policies cannot distinguish, with the latest one as an example. */
export interface FlowGroup extends FlowIdentity {
  readonly srcWorkload: string;
  readonly dstWorkload: string;
  readonly flows: number;
  readonly connections: number;
  readonly bytes: number;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly example: FlowExample;
}

export interface FlowExample {
  readonly src_name: string;
  readonly src_ip: string;
  readonly src_port: number;
  readonly dst_name: string;
  readonly dst_ip: string;
  readonly dst_port: number;
}

/** A number of flows that cannot be evaluated, with the reason. */
export interface NotEvaluated {
  readonly reason: string;
  readonly flows: number;
}

type TextColumn =
  | `${'src' | 'dst'}_${'namespace' | 'workload' | 'labels' | 'service_account' | 'address'}`
  | 'dst_domain'
  | 'flows'
  | 'all_flows'
  | 'connections'
  | 'bytes'
  | 'first_ms'
  | 'last_ms'
  | `example_${'src' | 'dst'}_${'name' | 'ip'}`;

type NumberColumn =
  'proto' | 'port' | 'source_port' | 'relation' | 'guessed' | 'reason' | `example_${'src' | 'dst'}_port`;

type Row = Readonly<Record<TextColumn, string> & Record<NumberColumn, number>> & {
  readonly src_kind: FlowEndpoint['kind'];
  readonly dst_kind: FlowEndpoint['kind'];
};

/**
 * Groups the flows of a query by what policies can distinguish. Addresses that no policy of `snapshots` distinguishes are
 * equivalent.
 */
export async function flowIdentities(
  context: QueryContext,
  cluster: string,
  query: RecordQuery,
  snapshots: readonly PolicySnapshot[],
): Promise<{ readonly groups: FlowGroup[]; readonly notEvaluated: NotEvaluated[] }> {
  const parameters = new SqlParameters();
  const flow = flowSql(parameters);
  const { port, guessed, relation } = flow;
  const prefixes = snapshots.flatMap(({ evaluator }) => evaluator.addressPrefixes);
  const classOf = addressClassSql(prefixes, parameters);
  // Grouped by a hash: grouping by so many string columns takes more than twice as long.
  const columns = [
    ...ENDPOINT_COLUMNS.map((column) => [column, column] as const),
    ...([
      ['proto', 'protocol'],
      ['port', port],
      ['relation', relation],
      ['guessed', guessed],
    ] as const),
    ['source_port', sourcePort(snapshots, guessed)] as const,
  ];
  const all = reasons(flow);
  const reason = `multiIf(${all.map(({ condition }, index) => `${condition}, ${index}`).join(', ')}, ${all.length})`;
  const identity = `sipHash128(${[...columns.map(([, sql]) => sql), classOf('src_ip'), classOf('dst_ip')].join(', ')})`;
  // One statement for everything, so that flows that arrive meanwhile are counted nowhere.
  const rows = await select<Row>(
    context,
    `SELECT ${columns.map(([name, sql]) => `any(${sql}) AS ${name}`).join(', ')},
       toString(min(src_ip)) AS src_address, toString(min(dst_ip)) AS dst_address,
       count() AS flows, sum(connections_started) AS connections, sum(bytes_out) + sum(bytes_in) AS bytes,
       toUnixTimestamp64Milli(min(start_time)) AS first_ms, toUnixTimestamp64Milli(max(end_time)) AS last_ms,
       argMax(src_name, start_time) AS example_src_name, toString(argMax(src_ip, start_time)) AS example_src_ip,
       argMax(src_port, start_time) AS example_src_port,
       argMax(dst_name, start_time) AS example_dst_name, toString(argMax(dst_ip, start_time)) AS example_dst_ip,
       argMax(dst_port, start_time) AS example_dst_port,
       ${reason} AS reason, sum(count()) OVER () AS all_flows
     ${fromWhere(query, context.access, parameters)}
       AND primary AND cluster = ${parameters.add(cluster, 'String')}
     GROUP BY reason, if(${reason} = ${all.length}, ${identity}, toFixedString('', 16))
     ORDER BY reason < ${all.length} DESC, flows DESC LIMIT ${MAX_IDENTITIES + all.length} SETTINGS prefer_column_name_to_alias = 1`,
    parameters,
  );
  const excluded = rows.flatMap(({ reason: number, flows }) => {
    const known = all[number]?.reason;
    return known === undefined ? [] : { reason: known, flows: Number(flows) };
  });
  const counted = rows.reduce((sum, { flows }) => sum + Number(flows), 0);
  const left = Number(rows[0]?.all_flows ?? 0) - counted;
  const tooMany = { reason: `there are more than ${MAX_IDENTITIES} distinct flows`, flows: left };
  return {
    groups: rows.filter(({ reason: number }) => number === all.length).map(groupOf),
    notEvaluated: [...excluded, ...(left > 0 ? [tooMany] : [])],
  };
}

/** Why flows are not evaluated, each with its condition in SQL. */
function reasons({ linkUpkeep, icmpError }: FlowSql) {
  return [
    {
      reason: 'one endpoint is in a namespace that you may not see',
      condition: ['src', 'dst']
        .map((end) => `(${end}_kind IN ('pod', 'host_network_pod', 'service') AND ${end}_namespace = '')`)
        .join(' OR '),
    },
    {
      reason: 'they keep a link up (ICMPv6 neighbor and router discovery), which passes below policies',
      condition: linkUpkeep,
    },
    {
      reason: 'they are ICMP errors, which belong to the connection that they quote',
      condition: icmpError,
    },
  ] as const;
}

/** The client's port where it matters: if policies depend on it, or if client and server may be swapped. */
function sourcePort(snapshots: readonly PolicySnapshot[], guessed: string): string {
  if (snapshots.some(dependsOnSourcePorts)) return 'toInt32(src_port)';
  return `if(${guessed}, toInt32(src_port), ${UNKNOWN_SOURCE_PORT})`;
}

function dependsOnSourcePorts({ evaluator }: PolicySnapshot): boolean {
  return evaluator.tiers
    .flatMap(({ policies }) => policies)
    .flatMap(({ ingress = [], egress = [] }) => [...ingress, ...egress])
    .flatMap(({ conditions }) => conditions)
    .some((one) => (one.kind === 'ports' || one.kind === 'notPorts') && one.side === 'source');
}

function groupOf(row: Row): FlowGroup {
  return {
    src: {
      ...{ kind: row.src_kind, namespace: row.src_namespace, labels: row.src_labels },
      ...{ serviceAccount: row.src_service_account, address: parseAddress(row.src_address) },
    },
    dst: {
      ...{ kind: row.dst_kind, namespace: row.dst_namespace, labels: row.dst_labels },
      ...{ serviceAccount: row.dst_service_account, address: parseAddress(row.dst_address) },
    },
    ...{ srcWorkload: row.src_workload, dstWorkload: row.dst_workload, domain: row.dst_domain },
    ...{ protocol: row.proto, port: row.port, sourcePort: row.source_port },
    relation: row.relation as Relation,
    guessed: row.guessed !== 0,
    ...{ flows: Number(row.flows), connections: Number(row.connections), bytes: Number(row.bytes) },
    ...{ firstMs: Number(row.first_ms), lastMs: Number(row.last_ms) },
    example: {
      ...{
        src_name: row.example_src_name,
        src_ip: plain(row.example_src_ip),
        src_port: row.example_src_port,
      },
      ...{
        dst_name: row.example_dst_name,
        dst_ip: plain(row.example_dst_ip),
        dst_port: row.example_dst_port,
      },
    },
  };
}

function plain(address: string): string {
  return formatAddress(parseAddress(address));
}
