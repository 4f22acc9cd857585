import type { PolicyEvaluator } from './evaluator.js';
import type { Relation } from './evaluate/connection.js';
import type { Verdict } from './evaluate/trace-rules.js';

/**
 * Of a flow that policies deny as it is written down, whose beginning was not seen and whose packets went both ways:
 * what looks like a request may be the answers to one. If that one, the other way round, is allowed, its result is the
 * flow's.
 * @param verdictOf gives the verdict of a result, under the view of the policies that counts.
 * @returns the number of that result; undefined if the flow stays denied.
 */
export function evaluateReversed(
  evaluator: PolicyEvaluator,
  verdictOf: (result: number) => Verdict,
  source: number,
  destination: number,
  protocol: number,
  port: number,
  sourcePort: number,
  relation: Relation,
): number | undefined {
  const reverse = evaluator.evaluate(destination, source, protocol, sourcePort, port, relation);
  return verdictOf(reverse) === 'allow' ? reverse : undefined;
}
