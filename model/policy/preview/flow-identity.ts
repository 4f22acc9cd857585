import type { EnumerationValue } from '../../flow/enumerations.js';
import type { Relation } from '../evaluate/connection.js';

/** What policies may tell of one end of a flow, as flows tell it. */
export interface FlowEndpoint {
  /** As in the flow record. A pod on its node's network is for policies the node. */
  readonly kind: EnumerationValue<'src_kind'>;
  readonly namespace: string;
  /** Sorted `k=v` pairs with commas between. */
  readonly labels: string;
  readonly serviceAccount: string;
  /** 16 bytes. */
  readonly address: Uint8Array;
}

/** Flows that no policy can tell apart. */
export interface FlowIdentity {
  readonly src: FlowEndpoint;
  readonly dst: FlowEndpoint;
  readonly protocol: number;
  /** The server's port; of ICMP type × 256 + code. */
  readonly port: number;
  /** The client's port, or -1 where it is not told. */
  readonly sourcePort: number;
  readonly relation: Relation;
  /** Whether packets went both ways and the connection's beginning was not seen: client and server may be swapped. */
  readonly answered: boolean;
  /** A domain name of the server's address; empty if none is known. */
  readonly domain: string;
}
