import { protocolText } from '../flow-table/ports.js';

/** What `GET /api/v1/graph` answers. */
export interface GraphAnswer {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly truncated: boolean;
}

export interface GraphNode {
  readonly id: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** From a client to a server. */
export interface GraphEdge {
  readonly source: string;
  readonly target: string;
  readonly connections: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly denied: number;
  readonly errors: number;
  readonly rttP95Micros: number | null;
  readonly ports: readonly ServedPort[];
}

/** A server's port, or a protocol without ports. */
export interface ServedPort {
  readonly protocol: number;
  readonly port?: number;
}

/** The ports of an edge in one text: `icmp,tcp/80,tcp/443`. */
export function portsText(ports: readonly ServedPort[]): string {
  return ports
    .map(({ protocol, port }) => `${protocolText(protocol)}${port === undefined ? '' : `/${port}`}`)
    .join(',');
}

/** A node by the name that people know it by. */
export function nodeName({ kind, namespace, name }: GraphNode): string {
  const qualified = [namespace, name].filter((part) => part !== '').join('/');
  return qualified === '' ? kind : kind === 'service' || kind === 'node' ? `${kind} ${qualified}` : qualified;
}
