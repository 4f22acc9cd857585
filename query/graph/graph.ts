import { hasPorts } from '@sonde/model/net/protocol';
import type { Access } from '../access/access.js';
import { fromWhere, type RecordQuery } from '../records/record-query.js';
import { type AggregateFunction, mergedSql, stateSql } from '../sql/aggregate-function.js';
import { SqlParameters } from '../sql/parameters.js';
import { type GraphLevel, nodeFields, nodeId, type NodeKind, type NodeName, nodeSql } from './nodes.js';

/** Who talked to whom. Edges go from client to server. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** There are more edges than asked for; those with the most bytes are here. */
  readonly truncated: boolean;
}

export interface GraphNode extends NodeName {
  readonly id: string;
  /** What its edges carried, in and out of it. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** What went on between two nodes. */
export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  /** Records that it sums up, one a connection and window. */
  readonly flows: number;
  readonly connections: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly bytesOutPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly connectionsPerSecond: number;
  /** Records by what policies say of them, and how many of them the wire contradicts. */
  readonly allowed: number;
  readonly denied: number;
  readonly unknown: number;
  readonly contradictions: number;
  /** Records of connections that were refused, or never answered. */
  readonly errors: number;
  readonly droppedPackets: number;
  readonly retransmits: number;
  /** Microseconds; null where none was measured. */
  readonly rttMeanMicros: number | null;
  readonly rttP95Micros: number | null;
  /** Up to ten of the ports that the servers were reached on. */
  readonly ports: readonly ServedPort[];
}

/** A server's port of a protocol, or the protocol alone where it has no ports, as ICMP. */
export interface ServedPort {
  /** Its number (IANA assigned internet protocol numbers). */
  readonly protocol: number;
  readonly port?: number;
}

/** An edge as the statement gives it. */
export interface EdgeRow extends Record<string, unknown> {
  readonly source: readonly [NodeKind, string, string];
  readonly target: readonly [NodeKind, string, string];
}

/**
 * The statement that finds the edges with the most bytes. It adds up twice: first by the fields that name the ends, which
 * the engine compares by number, and then by the nodes' names, which are texts that cost as much to make as all sums.
 */
export function edgesSql(
  question: RecordQuery,
  { level, limit, records }: { level: GraphLevel; limit: number; records: 'primary' | 'all' },
  access: Access,
): { sql: string; parameters: SqlParameters } {
  const parameters = new SqlParameters();
  const ends = [...nodeFields('src', level), ...nodeFields('dst', level)];
  const names = ends.map(({ name }) => name);
  const byFields = `SELECT ${[
    ...ends.map(({ name, sql }) => (sql === name ? name : `${sql} AS ${name}`)),
    ...sums.map(([name, sum]) => `${stateSql(sum)} AS ${name}_state`),
  ].join(', ')}
    ${fromWhere(question, access, parameters)} ${records === 'primary' ? 'AND primary = true' : ''}
    GROUP BY ${names.join(', ')}`;
  const sql = `SELECT ${nodeSql('src', level)} AS source, ${nodeSql('dst', level)} AS target,
      ${sums.map(([name, sum]) => `${mergedSql(sum, `${name}_state`)} AS ${name}`).join(', ')}
    FROM (${byFields})
    GROUP BY source, target
    ORDER BY bytesOut + bytesIn DESC, source, target
    LIMIT ${parameters.add(limit, 'UInt32')} + 1`;
  return { sql, parameters };
}

/** Ports that a protocol can have. */
const PORTS = 65_536;

const SUMS = {
  flows: total('count', ''),
  connections: total('sum', 'connections_started'),
  bytesOut: total('sum', 'bytes_out'),
  bytesIn: total('sum', 'bytes_in'),
  allowed: total('countIf', "action = 'allow'"),
  denied: total('countIf', "action = 'deny'"),
  unknown: total('countIf', "action = 'unknown'"),
  contradictions: total('countIf', 'contradiction'),
  errors: total('countIf', "evidence IN ('refused', 'unanswered')"),
  droppedPackets: total('sum', 'dropped_packets'),
  retransmits: total('sum', 'retransmits'),
  rttMeanMicros: total('avg', 'nullIf(rtt_us, 0)'),
  rttP95Micros: total('quantileTDigest', 'nullIf(rtt_us, 0)', '(0.95)'),
  // Both in one number, which the engine tells apart more easily than pairs.
  ports: total('groupUniqArray', `toUInt32(protocol * ${PORTS} + dst_port)`, '(10)'),
} as const;

const sums = Object.entries(SUMS);

function total(name: string, of: string, parameters = ''): AggregateFunction {
  return { name, parameters, arguments: of };
}

/** The graph of the edges that the statement found. */
export function graphFrom(rows: readonly EdgeRow[], limit: number, seconds: number): Graph {
  const nodes = new Map<string, GraphNode>();
  const add = (name: NodeName, sent: number, received: number) => {
    const id = nodeId(name);
    const { bytesSent, bytesReceived } = nodes.get(id) ?? { bytesSent: 0, bytesReceived: 0 };
    nodes.set(id, { id, ...name, bytesSent: bytesSent + sent, bytesReceived: bytesReceived + received });
    return id;
  };
  const edges = rows.slice(0, limit).map((row) => {
    const edge = edgeFrom(row, seconds);
    return {
      source: add(nameFrom(row.source), edge.bytesOut, edge.bytesIn),
      target: add(nameFrom(row.target), edge.bytesIn, edge.bytesOut),
      ...edge,
    };
  });
  return { nodes: [...nodes.values()], edges, truncated: rows.length > limit };
}

function nameFrom([kind, namespace, name]: EdgeRow['source']): NodeName {
  return { kind, namespace, name };
}

function edgeFrom(row: EdgeRow, seconds: number): Omit<GraphEdge, 'source' | 'target'> {
  const number = (name: keyof typeof SUMS) => Number(row[name]);
  const measured = (name: keyof typeof SUMS) => (row[name] === null ? null : number(name));
  return {
    flows: number('flows'),
    connections: number('connections'),
    bytesOut: number('bytesOut'),
    bytesIn: number('bytesIn'),
    bytesOutPerSecond: number('bytesOut') / seconds,
    bytesInPerSecond: number('bytesIn') / seconds,
    connectionsPerSecond: number('connections') / seconds,
    allowed: number('allowed'),
    denied: number('denied'),
    unknown: number('unknown'),
    contradictions: number('contradictions'),
    errors: number('errors'),
    droppedPackets: number('droppedPackets'),
    retransmits: number('retransmits'),
    rttMeanMicros: measured('rttMeanMicros'),
    rttP95Micros: measured('rttP95Micros'),
    ports: [...(row['ports'] as readonly number[])].sort((a, b) => a - b).map(portFrom),
  };
}

function portFrom(number: number): ServedPort {
  const protocol = Math.floor(number / PORTS);
  return hasPorts(protocol) ? { protocol, port: number % PORTS } : { protocol };
}
