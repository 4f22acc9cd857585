import { formatAddress, parseAddress } from '@sonde/model/net/address';
import { fromWhere, type RecordQuery, select } from '../records/record-query.js';
import type { QueryContext } from '../context/query-context.js';
import { SqlParameters } from '../sql/parameters.js';
import { type Health, healthOf, type HealthRow, healthSql } from './health.js';

/** Identifies a workload. */
export interface Workload {
  readonly namespace: string;
  readonly name: string;
}

/** A peer of a workload on one port. */
export interface Peer extends Health {
  readonly kind: string;
  readonly namespace: string;
  /** Name of the workload, node, service or network set; of other peers the domain name or address. */
  readonly name: string;
  readonly protocol: number;
  /** Server port; 0 for protocols without ports. */
  readonly port: number;
}

type Row = HealthRow &
  Readonly<Record<'kind' | 'namespace' | 'peer_name' | 'address', string>> & {
    readonly proto: number;
    readonly port: number;
  };

/** Peers, and whether there are more than the limit. */
export interface Peers {
  readonly peers: readonly Peer[];
  readonly more: boolean;
}

/** The peers of a workload that is on one side of flows, ordered by bytes. */
export async function peersOf(
  context: QueryContext,
  workload: Workload,
  side: 'src' | 'dst',
  query: RecordQuery,
  limit: number,
): Promise<Peers> {
  const other = side === 'src' ? 'dst' : 'src';
  const parameters = new SqlParameters();
  const rows = await select<Row>(
    context,
    `SELECT toString(${other}_kind) AS kind, ${other}_namespace AS namespace,
       multiIf(${other}_workload != '', ${other}_workload, ${other}_name != '', ${other}_name, ${other}_domain) AS peer_name,
       if(peer_name = '', toString(${other}_ip), '::') AS address,
       protocol AS proto, if(protocol IN (1, 58), 0, dst_port) AS port, ${healthSql}
     ${fromWhere(query, context.access, parameters)} AND primary AND ${isWorkload(side, workload, parameters)}
     GROUP BY kind, namespace, peer_name, address, proto, port
     ORDER BY bytes DESC, peer_name, address, port LIMIT ${parameters.add(limit + 1, 'UInt32')}`,
    parameters,
  );
  const peers = rows.slice(0, limit).map((row) => ({
    ...{ kind: row.kind, namespace: row.namespace },
    name: row.peer_name === '' ? formatAddress(parseAddress(row.address)) : row.peer_name,
    ...{ protocol: row.proto, port: row.port },
    ...healthOf(row),
  }));
  return { peers, more: rows.length > limit };
}

/** The health of a workload's flows as client (`src`) or server (`dst`); undefined if there are none. */
export async function healthOfSide(
  context: QueryContext,
  workload: Workload,
  side: 'src' | 'dst',
  query: RecordQuery,
): Promise<Health | undefined> {
  const parameters = new SqlParameters();
  const [row] = await select<HealthRow>(
    context,
    `SELECT ${healthSql} ${fromWhere(query, context.access, parameters)}
       AND primary AND ${isWorkload(side, workload, parameters)}`,
    parameters,
  );
  return row && row.flows !== '0' ? healthOf(row) : undefined;
}

function isWorkload(side: 'src' | 'dst', { namespace, name }: Workload, parameters: SqlParameters): string {
  const [inNamespace, named] = [parameters.add(namespace, 'String'), parameters.add(name, 'String')];
  return `${side}_namespace = ${inNamespace} AND ${side}_workload = ${named} AND ${side}_workload != ''`;
}
