import { type Answer, useAnswer } from '../api/use-answer.js';
import type { TimeRange } from '../time/time-range.js';
import type { PolicyOverview } from './policy.js';

/** The policies of a cluster and what they did in a time range. */
export function usePolicies(
  range: TimeRange,
  cluster: string | undefined,
  filter = '',
): Answer<PolicyOverview> {
  return useAnswer(JSON.stringify(['policies', range, cluster, filter]), (query, signal) =>
    query.get<PolicyOverview>('/api/v1/policies', { ...range, cluster, filter }, signal),
  );
}
