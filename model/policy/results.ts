import type { Outcome, Verdict } from './evaluate/walk.js';
import { formatEntry } from './trace/entry.js';

/** What the policies of one direction say. */
export interface DirectionResult {
  readonly verdict: Verdict;
  /** Entries as text, in the form of Calico 3.32 and later. */
  readonly trace: readonly string[];
}

/** What policies say of a connection under one view of them. */
export interface ConnectionResult {
  readonly verdict: Verdict;
  /** At the client. */
  readonly egress: DirectionResult;
  /** At the server. */
  readonly ingress: DirectionResult;
  /** The trace of both, egress first, as the flow record's text. */
  readonly policies: string;
}

/** What policies say of a connection: as they are, and as they would with staged policies enforced. */
export interface PolicyResult extends ConnectionResult {
  readonly pending: ConnectionResult;
  /** What could not be evaluated, and why. */
  readonly notes: readonly string[];
}

/** The outcomes of one view. */
export interface Outcomes {
  readonly egress: Outcome;
  readonly ingress: Outcome;
}

/** Results by number: equal results are kept once, so that a column of flows needs one small number each. */
export class Results {
  readonly #results: PolicyResult[] = [];
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#results.length;
  }

  get(number: number): PolicyResult {
    const result = this.#results[number];
    if (!result) throw new RangeError(`there is no result ${number}; the evaluator may have been trimmed`);
    return result;
  }

  intern(enforced: Outcomes, pending: Outcomes): number {
    const result = policyResult(enforced, pending);
    const text = JSON.stringify(result);
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    const number = this.#results.push(result) - 1;
    this.#numbers.set(text, number);
    return number;
  }
}

function policyResult(enforced: Outcomes, pending: Outcomes): PolicyResult {
  const notes = [enforced.egress, enforced.ingress, pending.egress, pending.ingress].flatMap(
    (outcome) => outcome.notes,
  );
  return { ...connectionResult(enforced), pending: connectionResult(pending), notes: [...new Set(notes)] };
}

function connectionResult({ egress, ingress }: Outcomes): ConnectionResult {
  const [client, server] = [directionResult(egress), directionResult(ingress)];
  return {
    verdict: both(egress.verdict, ingress.verdict),
    egress: client,
    ingress: server,
    policies: [...client.trace, ...server.trace].join(','),
  };
}

function directionResult({ verdict, trace }: Outcome): DirectionResult {
  return { verdict, trace: trace.map(formatEntry) };
}

/** Both directions must allow; one that denies decides, even if the other is open. */
function both(egress: Verdict, ingress: Verdict): Verdict {
  if (egress === 'deny' || ingress === 'deny') return 'deny';
  return egress === 'unknown' || ingress === 'unknown' ? 'unknown' : 'allow';
}
