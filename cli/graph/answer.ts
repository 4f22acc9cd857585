import { ADDRESS_CLASSES } from '@sonde/model/net/address-class';
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

/** A node by the name that people know it by; who is outside and not known by the class of their addresses. */
export function nodeName({ kind, namespace, name }: GraphNode): string {
  const qualified = [namespace, name].filter((part) => part !== '').join('/');
  switch (kind) {
    case 'service':
    case 'node':
    case 'zone':
      return `${kind} ${qualified}`;
    case 'network_set':
      return `[${qualified}]`;
    case 'external':
      return CLASSES.has(name) ? `${name.replace('_', '-')} addresses` : name;
    case 'hidden':
      return 'ends in namespaces that you may not see';
    default:
      return qualified;
  }
}

const CLASSES: ReadonlySet<string> = new Set(ADDRESS_CLASSES);
