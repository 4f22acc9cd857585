import type { ColumnMemory } from '@sonde/model/record/column-memory';
import type { FlowColumns } from '@sonde/model/flow/records';
import { enumerationNumber } from '@sonde/model/flow/enumerations';
import { halvesOf, isZeroWide } from '@sonde/model/record/wide';
import { type ExplainContradiction, NO_CONTRADICTION, UNEXPLAINED } from './contradiction-reasons.js';

/** The evidence of the wire for each flow, and whether the policies contradict it. */
export interface EvidenceColumns {
  readonly evidence: Uint8Array;
  readonly contradiction: Uint8Array;
  readonly contradiction_reason: Uint8Array;
}

type Observed = Pick<FlowColumns, 'connection_state' | 'dropped_packets' | 'drop_reason' | 'packets_in'>;

/** Drop reasons of policy enforcement: packet filters and traffic control (include/net/dropreason-core.h). */
const ENFORCEMENT_REASONS = new Set([
  'NETFILTER_DROP',
  'TC_INGRESS',
  'TC_EGRESS',
  'BPF_CGROUP_EGRESS',
  'XDP',
]);

const DELIVERED = enumerationNumber('evidence', 'delivered');
const DROPPED = enumerationNumber('evidence', 'dropped');
const REFUSED = enumerationNumber('evidence', 'refused');
const UNANSWERED = enumerationNumber('evidence', 'unanswered');
const STATE_REFUSED = enumerationNumber('connection_state', 'refused');
const STATE_ESTABLISHED = enumerationNumber('connection_state', 'established');
const STATE_CLOSED = enumerationNumber('connection_state', 'closed');
const ALLOW = enumerationNumber('action', 'allow');
const DENY = enumerationNumber('action', 'deny');

/**
 * Derives the evidence of flows: an answer proves delivery; without one, a drop in the kernel proves a drop. The policies
 * and the wire disagree if a denied connection was answered by its server, or if an allowed one was dropped by enforcement.
 * A refusal proves nothing: a firewall may refuse in the server's name. Only a disagreement that `explain` cannot explain
 * is a contradiction.
 */
export function compareWithEvidence(
  observed: Observed,
  action: Uint8Array,
  explain: ExplainContradiction,
  memory: ColumnMemory,
): EvidenceColumns {
  const { connection_state, drop_reason } = observed;
  const rows = connection_state.length;
  const packetsIn = halvesOf(observed.packets_in);
  const droppedPackets = halvesOf(observed.dropped_packets);
  const byEnforcement = drop_reason.dictionary.map((reason) => ENFORCEMENT_REASONS.has(reason));
  const evidence = memory.column('enumeration', rows);
  const contradiction = memory.column('boolean', rows).fill(0);
  const contradiction_reason = memory.column('enumeration', rows).fill(NO_CONTRADICTION);
  for (let row = 0; row < rows; row++) {
    const state = connection_state[row];
    let shown = UNANSWERED;
    if (state === STATE_REFUSED) shown = REFUSED;
    else if (!isZeroWide(packetsIn, row)) shown = DELIVERED;
    else if (!isZeroWide(droppedPackets, row)) shown = DROPPED;
    // An established connection was answered before, if not in this window.
    else if (state === STATE_ESTABLISHED || state === STATE_CLOSED) shown = DELIVERED;
    evidence[row] = shown;
    const disagrees =
      action[row] === DENY
        ? shown === DELIVERED
        : action[row] === ALLOW && shown === DROPPED && byEnforcement[drop_reason.indexes[row] ?? 0] === true;
    if (!disagrees) continue;
    const reason = explain(row);
    contradiction_reason[row] = reason;
    contradiction[row] = Number(reason === UNEXPLAINED);
  }
  return { evidence, contradiction, contradiction_reason };
}
