import { ADDRESS_CLASSES } from '@sonde/model/net/address-class';
import { protocolText } from '../flow-table/ports.js';

/** The response of `GET /api/v1/graph`. */
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

/** The flows from a client to a server. */
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

/** A port of a server, or a protocol without ports. */
export interface ServedPort {
  readonly protocol: number;
  readonly port?: number;
}

/** The ports of an edge: `icmp,tcp/80,tcp/443`. */
export function portsText(ports: readonly ServedPort[]): string {
  return ports
    .map(({ protocol, port }) => `${protocolText(protocol)}${port === undefined ? '' : `/${port}`}`)
    .join(',');
}

/** The display name of a node; of unknown external addresses, their class. */
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
      return 'endpoints in namespaces that you may not view';
    default:
      return qualified;
  }
}

const CLASSES: ReadonlySet<string> = new Set(ADDRESS_CLASSES);
