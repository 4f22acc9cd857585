import type { FlowStore } from '@sonde/backbone/store/store';
import type { Access } from '../access/access.js';
import type { QueryLimits } from '../limits/query-limits.js';
import type { SharedAnswers } from './shared-answers.js';

/** What queries run with, the same for every reader. */
export interface QueryEngine {
  readonly store: Pick<FlowStore, 'query'>;
  readonly limits: QueryLimits;
  /** Answers shared by readers who run the same query at the same time. */
  readonly cache: SharedAnswers;
}

/** What one query runs with. */
export interface QueryContext extends QueryEngine {
  /** What the reader may see. */
  readonly access: Access;
  /** Aborts when the reader no longer waits for the answer. */
  readonly signal: AbortSignal;
}
