import type { Fields } from './fields.js';

/** The action when a staged policy is committed (projectcalico.org/v3 StagedAction). */
export type StagedAction = 'Set' | 'Delete' | 'Learn' | 'Ignore';

/** Reads the `stagedAction` of a staged policy; Set if it is missing. */
export function readStagedAction(spec: Fields): StagedAction {
  return spec.oneOf('stagedAction', ['Set', 'Delete', 'Learn', 'Ignore']) ?? 'Set';
}
