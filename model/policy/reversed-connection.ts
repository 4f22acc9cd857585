import type { PolicyEvaluator } from './evaluator.js';
import type { Relation } from './evaluate/connection.js';
import type { Verdict } from './evaluate/trace-rules.js';

/**
 * Evaluates the reverse of a denied flow with a guessed direction: client and server may be swapped. If the reverse connection is allowed, its result is the flow's.
 * @param verdictOf returns the verdict of a result under the relevant view of the policies.
 * @returns the number of the reverse connection's result; undefined if that is not allowed either.
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
