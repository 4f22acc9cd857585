import type { FlowStore } from '@sonde/backbone/store/store';
import type { Access } from '../access/access.js';
import type { QueryLimits } from '../limits/query-limits.js';
import type { CooperativeScheduler } from '../limits/cooperative-scheduler.js';
import type { SharedQueries } from './shared-queries.js';

/** The parts of a query context that are the same for every client. */
export interface QueryEngine {
  readonly store: Pick<FlowStore, 'query'>;
  readonly limits: QueryLimits;
  /** Results shared by clients that run the same query at the same time. */
  readonly cache: SharedQueries;
  /** Runs the CPU-bound work on results, with equal shares for all identities. */
  readonly scheduler: CooperativeScheduler;
}

/** Everything that a query of one request needs. */
export interface QueryContext extends QueryEngine {
  /** The client's rights. */
  readonly access: Access;
  /** Aborts when the client no longer waits for the result. */
  readonly signal: AbortSignal;
}

/** Runs CPU-bound work on a result in the client's share of the CPU. @throws the signal's reason if the client disconnects. */
export function runTask<Result>(
  { scheduler, access, signal }: QueryContext,
  task: Generator<undefined, Result>,
): Promise<Result> {
  return scheduler.run(access.subject, task, signal);
}
