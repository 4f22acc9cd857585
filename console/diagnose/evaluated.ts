import { readSteps, type SideTrace } from '../policies/trace.js';

/** One direction of a verdict as `POST /api/v1/policies/evaluate` gives it. */
export interface DirectionVerdict {
  readonly verdict: string;
  readonly trace: readonly string[];
}

export interface Verdict {
  readonly verdict: string;
  readonly egress: DirectionVerdict;
  readonly ingress: DirectionVerdict;
}

/** An identity that an end of the connection has. */
export interface Endpoint {
  readonly kind: string;
  readonly namespace: string;
  readonly labels: string;
  readonly serviceAccount: string;
  readonly address: string;
}

/** What policies say of a connection, and who its ends are. */
export interface Evaluated extends Verdict {
  readonly pending: Verdict;
  readonly notes: readonly string[];
  readonly ends: { readonly from: readonly Endpoint[]; readonly to: readonly Endpoint[] };
}

/** The steps at both sides of a connection; a side without policies is left out. */
export function sidesOf({ egress, ingress }: Verdict): SideTrace[] {
  const sides: SideTrace[] = [
    { direction: 'egress', steps: readSteps(egress.trace) },
    { direction: 'ingress', steps: readSteps(ingress.trace) },
  ];
  return sides.filter(({ steps }) => steps.length > 0);
}
