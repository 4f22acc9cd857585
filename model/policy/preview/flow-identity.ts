import type { EnumerationValue } from '../../flow/enumerations.js';
import type { Relation } from '../evaluate/connection.js';

/** An endpoint of a flow, reduced to the fields of the flow record that policies depend on. */
export interface FlowEndpoint {
  /** As in the flow record. To policies, a pod on the host network is its node. */
  readonly kind: EnumerationValue<'src_kind'>;
  readonly namespace: string;
  /** Sorted `k=v` pairs, comma-separated. */
  readonly labels: string;
  readonly serviceAccount: string;
  /** 16 bytes. */
  readonly address: Uint8Array;
}

/** Flows that no policy can distinguish. */
export interface FlowIdentity {
  readonly src: FlowEndpoint;
  readonly dst: FlowEndpoint;
  readonly protocol: number;
  /** The server's port; for ICMP type × 256 + code. */
  readonly port: number;
  /** The client's port; -1 if unknown. */
  readonly sourcePort: number;
  readonly relation: Relation;
  /** Whether the direction is only guessed: client and server may be swapped. */
  readonly guessed: boolean;
  /** A domain name of the server's address; empty if unknown. */
  readonly domain: string;
}
