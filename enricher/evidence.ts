import type { FlowColumns, TextColumn } from '@sonde/model/flow/columns';
import { enumerationNumber } from '@sonde/model/flow/enumerations';

/** What the wire showed of each flow, and whether policies say otherwise. */
export interface EvidenceColumns {
  readonly evidence: Uint8Array;
  readonly contradiction: Uint8Array;
}

type Observed = Pick<FlowColumns, 'connection_state' | 'dropped_packets' | 'drop_reason' | 'packets_in'>;

/** Drop reasons of those who enforce policies: packet filters and traffic control (include/net/dropreason-core.h). */
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
 * Judges flows by what the wire showed: an answer proves delivery; without one, a drop that the kernel told proves a
 * drop. Policies and the wire contradict each other where a denied connection was answered by its server, and where
 * an allowed one was dropped by enforcement. A refusal proves nothing: a firewall may refuse in the server's name.
 */
export function judge(observed: Observed, action: Uint8Array): EvidenceColumns {
  const enforcement = enforcementEntries(observed.drop_reason);
  const evidence = observed.connection_state.map((state, row) => {
    if (state === STATE_REFUSED) return REFUSED;
    if (observed.packets_in[row] !== 0n) return DELIVERED;
    if (observed.dropped_packets[row] !== 0n) return DROPPED;
    // A standing connection was answered once, if not in this window.
    return state === STATE_ESTABLISHED || state === STATE_CLOSED ? DELIVERED : UNANSWERED;
  });
  const contradiction = evidence.map((shown, row) => {
    if (action[row] === DENY) return Number(shown === DELIVERED);
    const byEnforcement = enforcement.has(observed.drop_reason.indexes[row] ?? -1);
    return Number(action[row] === ALLOW && shown === DROPPED && byEnforcement);
  });
  return { evidence, contradiction };
}

function enforcementEntries({ dictionary }: TextColumn): Set<number> {
  return new Set([...dictionary.keys()].filter((entry) => ENFORCEMENT_REASONS.has(dictionary[entry] ?? '')));
}
