import type { Fields } from './fields.js';

/** What becomes of a staged policy when it is committed (projectcalico.org/v3 StagedAction). */
export type StagedAction = 'Set' | 'Delete' | 'Learn' | 'Ignore';

/** Reads the `stagedAction` of a staged policy; Set if it is absent. */
export function readStagedAction(spec: Fields): StagedAction {
  return spec.oneOf('stagedAction', ['Set', 'Delete', 'Learn', 'Ignore']) ?? 'Set';
}
