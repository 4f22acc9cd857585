import type { Endpoint } from '../endpoint/endpoints.js';
import { hasPorts } from '../../net/protocol.js';
import type { Outcomes } from './results.js';
import type { TracePath } from '../trace/path.js';
import { isFailSafe } from './failsafe.js';
import type { Knowledge, Connection } from './match.js';
import type { Direction, Program } from './program.js';
import { traceRules, type Outcome, type Scope, type Verdict } from './trace-rules.js';

/** The relation of the two endpoints of a connection, where the policy APIs make exceptions. */
export type Relation = typeof UNRELATED | typeof SELF | typeof FROM_OWN_NODE;
export const UNRELATED = 0;
/** Both endpoints are the same: a pod cannot block itself. */
export const SELF = 1;
/** The source is the node that the destination pod runs on, for example for kubelet probes. */
export const FROM_OWN_NODE = 2;

/** Returns the program for an endpoint's traffic; undefined if no policy governs it. */
export type ProgramOf = (endpoint: Endpoint, direction: Direction) => Program | undefined;

/**
 * Evaluates a connection: egress at its source and ingress at its destination, in both views. Traces start at `root`.
 */
export function evaluateConnection(
  packet: Connection,
  relation: Relation,
  programOf: ProgramOf,
  knowledge: Knowledge,
  root: TracePath,
): { enforced: Outcomes; pending: Outcomes } {
  if (relation === SELF) {
    const outcome = decided(root, 'allow', 'an endpoint is always free to connect to itself');
    return alike({ egress: outcome, ingress: outcome });
  }
  if (relation === FROM_OWN_NODE) {
    const outcome = decided(root, 'allow', 'a node is always free to connect to the pods that run on it');
    return alike({ egress: outcome, ingress: outcome });
  }
  const egress = evaluateDirection('egress', packet.source, packet, programOf, knowledge, root);
  const ingress = evaluateDirection('ingress', packet.destination, packet, programOf, knowledge, root);
  return {
    enforced: { egress: egress.enforced, ingress: ingress.enforced },
    pending: { egress: egress.pending, ingress: ingress.pending },
  };
}

interface Views {
  readonly enforced: Outcome;
  readonly pending: Outcome;
}

function evaluateDirection(
  direction: Direction,
  endpoint: Endpoint,
  packet: Connection,
  programOf: ProgramOf,
  knowledge: Knowledge,
  root: TracePath,
): Views {
  if (endpoint.unclearHosts.length > 0) {
    const names = endpoint.unclearHosts.join(', ');
    return same(
      decided(
        root,
        'unknown',
        `whether host endpoint ${names} governs the address is not known: it names one interface`,
      ),
    );
  }
  const program = programOf(endpoint, direction);
  if (!program) return same({ verdict: 'allow', path: root, notes: [] });
  if (endpoint.host && hasPorts(packet.protocol) && isFailSafe(direction, packet.protocol, packet.port)) {
    return same(decided(root, 'allow', `${packet.port} is a fail-safe port of hosts`));
  }
  const view = (scope: Scope) => traceRules(program, scope, packet, knowledge, root);
  const enforced = view('enforced');
  // Without staged policies the views differ only in the policy that the trace names for the end of a tier.
  const alike = !program.staged && !enforced.path.endsTier;
  return { enforced, pending: alike ? enforced : view('pending') };
}

function decided(root: TracePath, verdict: Verdict, note: string): Outcome {
  return { verdict, path: root, notes: [note] };
}

function same(outcome: Outcome): Views {
  return { enforced: outcome, pending: outcome };
}

function alike(outcomes: Outcomes): { enforced: Outcomes; pending: Outcomes } {
  return { enforced: outcomes, pending: outcomes };
}
