import { hasPorts } from '@sonde/model/net/protocol';
import type { Access } from '../access/access.js';
import { mapTask } from '../limits/cooperative-task.js';
import { fromWhere, type RecordQuery } from '../records/record-query.js';
import { type AggregateFunction, mergedSql, stateSql } from '../sql/aggregate-function.js';
import { SqlParameters } from '../sql/parameters.js';
import { type GraphLevel, nodeFields, nodeId, type NodeKind, type NodeName, nodeSql } from './nodes.js';

/** Connections as a graph. Edges go from client to server. */
export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** Whether there are more edges than the limit; the ones with the most bytes are returned. */
  readonly truncated: boolean;
}

export interface GraphNode extends NodeName {
  readonly id: string;
  /** Bytes of all its edges. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
}

/** The traffic from a client node to a server node. */
export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  /** Number of flow records: one per connection and window. */
  readonly flows: number;
  readonly connections: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly bytesOutPerSecond: number;
  readonly bytesInPerSecond: number;
  readonly connectionsPerSecond: number;
  /** Flow records by policy verdict, and those whose traffic contradicts the verdict. */
  readonly allowed: number;
  readonly denied: number;
  readonly unknown: number;
  readonly contradictions: number;
  /** Flow records of refused or unanswered connections. */
  readonly errors: number;
  readonly droppedPackets: number;
  readonly retransmits: number;
  /** Microseconds; null if none was measured. */
  readonly rttMeanMicros: number | null;
  readonly rttP95Micros: number | null;
  /** Up to ten of the server ports. */
  readonly ports: readonly ServedPort[];
}

/** A server port, or only the protocol if it has no ports, for example ICMP. */
export interface ServedPort {
  /** IP protocol number (IANA). */
  readonly protocol: number;
  readonly port?: number;
}

/** A row of the statement. */
export interface EdgeRow extends Record<string, unknown> {
  readonly source: readonly [NodeKind, string, string];
  readonly target: readonly [NodeKind, string, string];
}

/**
 * The statement that finds the edges with the most bytes. It aggregates twice: first by the fields that identify the
 * nodes, which the engine compares as numbers, then by the node names, whose strings are expensive to build per record.
 */
export function edgesSql(
  query: RecordQuery,
  { level, limit, records }: { level: GraphLevel; limit: number; records: 'primary' | 'all' },
  access: Access,
): { sql: string; parameters: SqlParameters } {
  const parameters = new SqlParameters();
  const keys = [...nodeFields('src', level), ...nodeFields('dst', level)];
  const names = keys.map(({ name }) => name);
  const byFields = `SELECT ${[
    ...keys.map(({ name, sql }) => (sql === name ? name : `${sql} AS ${name}`)),
    ...aggregates.map(([name, aggregate]) => `${stateSql(aggregate)} AS ${name}_state`),
  ].join(', ')}
    ${fromWhere(query, access, parameters)} ${records === 'primary' ? 'AND primary = true' : ''}
    GROUP BY ${names.join(', ')}`;
  const sql = `SELECT ${nodeSql('src', level)} AS source, ${nodeSql('dst', level)} AS target,
      ${aggregates.map(([name, aggregate]) => `${mergedSql(aggregate, `${name}_state`)} AS ${name}`).join(', ')}
    FROM (${byFields})
    GROUP BY source, target
    ORDER BY bytesOut + bytesIn DESC, source, target
    LIMIT ${parameters.add(limit, 'UInt32')} + 1`;
  return { sql, parameters };
}

/** Number of ports of a protocol. */
const PORTS = 65_536;

const AGGREGATES = {
  flows: aggregate('count', ''),
  connections: aggregate('sum', 'connections_started'),
  bytesOut: aggregate('sum', 'bytes_out'),
  bytesIn: aggregate('sum', 'bytes_in'),
  allowed: aggregate('countIf', "action = 'allow'"),
  denied: aggregate('countIf', "action = 'deny'"),
  unknown: aggregate('countIf', "action = 'unknown'"),
  contradictions: aggregate('countIf', 'contradiction'),
  errors: aggregate('countIf', "evidence IN ('refused', 'unanswered')"),
  droppedPackets: aggregate('sum', 'dropped_packets'),
  retransmits: aggregate('sum', 'retransmits'),
  rttMeanMicros: aggregate('avg', 'nullIf(rtt_us, 0)'),
  rttP95Micros: aggregate('quantileTDigest', 'nullIf(rtt_us, 0)', '(0.95)'),
  // Encoded as one number, which the engine compares faster than tuples.
  ports: aggregate('groupUniqArray', `toUInt32(protocol * ${PORTS} + dst_port)`, '(10)'),
} as const;

const aggregates = Object.entries(AGGREGATES);

function aggregate(name: string, of: string, parameters = ''): AggregateFunction {
  return { name, parameters, arguments: of };
}

/** A task that converts the rows of {@link edgesSql} to a graph. `seconds` is the length of the time range. */
export function* graphTask(
  rows: readonly EdgeRow[],
  limit: number,
  seconds: number,
): Generator<undefined, Graph> {
  const nodes = new Map<string, GraphNode>();
  const add = (name: NodeName, sent: number, received: number) => {
    const id = nodeId(name);
    const { bytesSent, bytesReceived } = nodes.get(id) ?? { bytesSent: 0, bytesReceived: 0 };
    nodes.set(id, { id, ...name, bytesSent: bytesSent + sent, bytesReceived: bytesReceived + received });
    return id;
  };
  const edges = yield* mapTask(rows.slice(0, limit), (row) => {
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
  const number = (name: keyof typeof AGGREGATES) => Number(row[name]);
  const measured = (name: keyof typeof AGGREGATES) => (row[name] === null ? null : number(name));
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
