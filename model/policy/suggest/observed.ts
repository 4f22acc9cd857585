import type { FlowEndpoint } from '../preview/flow-identity.js';

/** An endpoint of observed flows. */
export interface ObservedEndpoint extends Omit<FlowEndpoint, 'address' | 'serviceAccount'> {
  /** Name of a pod's workload; otherwise of the node, service or network set. */
  readonly name: string;
  /** As text. */
  readonly address: string;
}

/** Flows that differ only in the client's port, and that policies allowed if they could be evaluated. */
export interface ObservedFlow {
  readonly src: ObservedEndpoint;
  readonly dst: ObservedEndpoint;
  /** The client's service account; set only for flows to a service address. */
  readonly sourceAccount: string;
  /** Whether policies allowed them; false only if they could not be evaluated, at a service address. */
  readonly allowed: boolean;
  /** The service they went to, if the server is a backend that the service selects. */
  readonly service?: ServiceReference;
  readonly protocol: number;
  /** The server's port; for ICMP type × 256 + code. */
  readonly port: number;
  /** A client's port. */
  readonly sourcePort: number;
  /** Whether the direction is only guessed: nothing is learned from such flows. */
  readonly guessed: boolean;
  /** The domain name by which the server's address was looked up; empty if unknown. */
  readonly domain: string;
  readonly traffic: Evidence;
}

/** A service whose selector identifies pods. */
export interface ServiceReference {
  /** `namespace/name`. */
  readonly name: string;
  /** Whether none of the pods that it selects was seen. */
  readonly unseen: boolean;
}

/** The traffic that a rule is suggested for. */
export interface Evidence {
  readonly flows: number;
  readonly connections: number;
  readonly bytes: number;
  /** In ms since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** The sum of two pieces of evidence. */
export function mergeEvidence(one: Evidence | undefined, other: Evidence): Evidence {
  if (!one) return other;
  return {
    flows: one.flows + other.flows,
    connections: one.connections + other.connections,
    bytes: one.bytes + other.bytes,
    firstMs: Math.min(one.firstMs, other.firstMs),
    lastMs: Math.max(one.lastMs, other.lastMs),
  };
}
