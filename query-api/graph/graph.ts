import type { Access } from '../access/access.js';
import { fromWhere, type Question } from '../records/question.js';
import { SqlParameters } from '../sql/parameters.js';
import { type GraphLevel, nodeId, type NodeKind, type NodeName, nodeSql } from './nodes.js';

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
  /** Up to ten of the servers' ports. */
  readonly ports: readonly number[];
}

/** An edge as the statement gives it. */
export interface EdgeRow extends Record<string, unknown> {
  readonly source: readonly [NodeKind, string, string];
  readonly target: readonly [NodeKind, string, string];
}

/** The statement that finds the edges with the most bytes. */
export function edgesSql(
  question: Question,
  { level, limit, records }: { level: GraphLevel; limit: number; records: 'primary' | 'all' },
  access: Access,
): { sql: string; parameters: SqlParameters } {
  const parameters = new SqlParameters();
  const sql = `SELECT ${nodeSql('src', level)} AS source, ${nodeSql('dst', level)} AS target,
      ${Object.entries(SUMS)
        .map(([name, expression]) => `${expression} AS ${name}`)
        .join(', ')}
    ${fromWhere(question, access, parameters)} ${records === 'primary' ? 'AND primary = true' : ''}
    GROUP BY source, target
    ORDER BY bytesOut + bytesIn DESC, source, target
    LIMIT ${parameters.add(limit, 'UInt32')} + 1`;
  return { sql, parameters };
}

const SUMS = {
  flows: 'count()',
  connections: 'sum(connections_started)',
  bytesOut: 'sum(bytes_out)',
  bytesIn: 'sum(bytes_in)',
  allowed: "countIf(action = 'allow')",
  denied: "countIf(action = 'deny')",
  unknown: "countIf(action = 'unknown')",
  contradictions: 'countIf(contradiction)',
  errors: "countIf(evidence IN ('refused', 'unanswered'))",
  droppedPackets: 'sum(dropped_packets)',
  retransmits: 'sum(retransmits)',
  rttMeanMicros: 'avg(nullIf(rtt_us, 0))',
  rttP95Micros: 'quantileTDigest(0.95)(nullIf(rtt_us, 0))',
  ports: 'arraySort(groupUniqArray(10)(dst_port))',
} as const;

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
    ports: row['ports'] as readonly number[],
  };
}
