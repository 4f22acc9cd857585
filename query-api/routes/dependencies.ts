import type { FlowStore } from '@sonde/backbone/store/store';
import type { Limits } from '../limits/limits.js';

/** What routes work with: `fooRoute(server, dependencies)`. */
export interface RouteDependencies {
  readonly store: FlowStore;
  readonly limits: Limits;
}
