import { useAnswer } from '../api/use-answer.js';
import type { FieldDescription } from './flow.js';

/** The fields of flow records; none until they are loaded. */
export function useFields(): readonly FieldDescription[] {
  const answer = useAnswer('fields', (query, signal) =>
    query.get<{ fields: FieldDescription[] }>('/api/v1/fields', {}, signal),
  );
  return answer.data?.fields ?? [];
}
