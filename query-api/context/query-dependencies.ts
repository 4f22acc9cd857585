import type { FlowStore } from '@sonde/backbone/store/store';
import type { Limits } from '../limits/limits.js';
import type { SharedAnswers } from './shared-answers.js';

/** What routes work with: `fooRoute(server, dependencies)`. */
export interface RouteDependencies {
  readonly store: Pick<FlowStore, 'query'>;
  readonly limits: Limits;
  /** Answers to what many ask at the same time. */
  readonly answers: SharedAnswers;
}
