import type { FlowEndpoint } from '../preview/flow-identity.js';

/** One end of flows that were seen, as flows tell it. */
export interface ObservedEnd extends Omit<FlowEndpoint, 'address' | 'serviceAccount'> {
  /** The workload's name, of a pod; else that of the node, service or network set. */
  readonly name: string;
  /** As text. */
  readonly address: string;
}

/** Flows alike but for the client's port, which policies allowed as far as they could be asked. */
export interface ObservedFlow {
  readonly src: ObservedEnd;
  readonly dst: ObservedEnd;
  /** The client's service account; told of flows to the address of a service only. */
  readonly sourceAccount: string;
  /** Whether policies allowed them; false only where they could not be asked, at the address of a service. */
  readonly allowed: boolean;
  /** The service to whose address they went, where the server is a pod behind it by what the service selects. */
  readonly service?: SelectingName;
  readonly protocol: number;
  /** The server's port; of ICMP type × 256 + code. */
  readonly port: number;
  /** A client's port. */
  readonly sourcePort: number;
  /** Whether the connection's beginning was not seen, so that client and server may be swapped. */
  readonly answered: boolean;
  /** The domain name that the server's address was looked up by; empty if none is known. */
  readonly domain: string;
  readonly traffic: Evidence;
}

/** A service by whose selector pods are known. */
export interface SelectingName {
  /** `namespace/name`. */
  readonly name: string;
  /** Whether no pod was seen that it selects. */
  readonly unseen: boolean;
}

/** What a rule is suggested for. */
export interface Evidence {
  readonly flows: number;
  readonly connections: number;
  readonly bytes: number;
  /** In ms since 1970. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Where the ports begin that clients use (Linux' ip_local_port_range). */
const FIRST_CLIENT_PORT = 32_768;

/**
 * The flow from the likelier client: one whose beginning was not seen may have been taken for its answers. Who has the
 * address of a service is the server.
 */
export function oriented(flow: ObservedFlow): ObservedFlow {
  if (flow.dst.kind === 'service') return flow;
  const swapped = flow.answered && flow.port >= FIRST_CLIENT_PORT && flow.sourcePort < FIRST_CLIENT_PORT;
  if (!swapped || flow.sourcePort === 0) return flow;
  return { ...flow, src: flow.dst, dst: flow.src, port: flow.sourcePort, sourcePort: flow.port, domain: '' };
}

export function together(one: Evidence | undefined, other: Evidence): Evidence {
  if (!one) return other;
  return {
    flows: one.flows + other.flows,
    connections: one.connections + other.connections,
    bytes: one.bytes + other.bytes,
    firstMs: Math.min(one.firstMs, other.firstMs),
    lastMs: Math.max(one.lastMs, other.lastMs),
  };
}
