import { enumerationNumber } from '@sonde/model/flow/enumerations';
import type { FlowColumns } from '@sonde/model/flow/records';
import { isIcmp } from '@sonde/model/net/protocol';
import { halvesOf, readWide } from '@sonde/model/record/wide';
import type { FlowEndpoints } from '../identity/block-endpoints.js';
import { HOST_NETWORK_POD, NODE, SERVICE } from '../identity/endpoint-cache.js';

export const NO_CONTRADICTION = enumerationNumber('contradiction_reason', 'none');
export const UNEXPLAINED = enumerationNumber('contradiction_reason', 'unexplained');
const GUESSED_DIRECTION = enumerationNumber('contradiction_reason', 'guessed_direction');
const ICMP = enumerationNumber('contradiction_reason', 'icmp');
const NODE_TRAFFIC = enumerationNumber('contradiction_reason', 'node_traffic');
const OLDER_THAN_POLICY = enumerationNumber('contradiction_reason', 'older_than_policy');
const NOT_READY_ENDPOINT = enumerationNumber('contradiction_reason', 'not_ready_endpoint');

const SEEN = enumerationNumber('orientation', 'seen');
const GUESSED = enumerationNumber('orientation', 'guessed');

/** How long a network plugin may take to enforce a changed policy everywhere. */
const ENFORCEMENT_DELAY_MS = 5_000;
/** A connection whose start was not seen may have started this long before it was first seen. */
const MAX_UNSEEN_AGE_MS = 24 * 3_600_000;

type Observed = Pick<FlowColumns, 'protocol' | 'orientation' | 'end_time' | 'connection_age_us'>;

/** The latest change of the policies that decided on each flow: row `i` has `changedMs[indexes[i]]`; 0 if unknown. */
export interface DecidingPolicies {
  readonly indexes: Uint32Array;
  readonly changedMs: readonly number[];
}

/** Returns the reason why policies and the wire disagree about the flow of a row, as a `contradiction_reason`. */
export type ExplainContradiction = (row: number) => number;

/** The reasons of a block of flows, evaluated for the rows that need one. */
export function contradictionReasons(
  observed: Observed,
  { src, dst }: { readonly src: FlowEndpoints; readonly dst: FlowEndpoints },
  { indexes, changedMs }: DecidingPolicies,
): ExplainContradiction {
  const ends = halvesOf(observed.end_time);
  const ages = halvesOf(observed.connection_age_us);
  const mayPredatePolicy = (row: number): boolean => {
    const changed = changedMs[indexes[row] ?? 0] ?? 0;
    if (changed === 0) return false;
    const firstSeen = readWide(ends, row) - readWide(ages, row) / 1000;
    const unseen = observed.orientation[row] === SEEN ? 0 : MAX_UNSEEN_AGE_MS;
    return firstSeen - unseen < changed + ENFORCEMENT_DELAY_MS;
  };
  return (row) => {
    if (observed.orientation[row] === GUESSED) return GUESSED_DIRECTION;
    if (isIcmp(observed.protocol[row] ?? 0)) return ICMP;
    if (isNodeAndOwnPod(src, dst, row)) return NODE_TRAFFIC;
    if (mayPredatePolicy(row)) return OLDER_THAN_POLICY;
    // Nodes translate the address of a service only if it has a ready endpoint.
    if (dst.columns.kind[row] === SERVICE) return NOT_READY_ENDPOINT;
    return UNEXPLAINED;
  };
}

/** Whether one side is a node, or a pod on its network, and the other side is on that node. */
function isNodeAndOwnPod(src: FlowEndpoints, dst: FlowEndpoints, row: number): boolean {
  if (!isOnNode(src.columns.kind[row]) && !isOnNode(dst.columns.kind[row])) return false;
  const node = src.columns.node.dictionary[src.numbers[row] ?? 0] ?? '';
  return node !== '' && node === dst.columns.node.dictionary[dst.numbers[row] ?? 0];
}

function isOnNode(kind: number | undefined): boolean {
  return kind === NODE || kind === HOST_NETWORK_POD;
}
