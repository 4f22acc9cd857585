import type { Access } from '../access/access.js';
import type { Viewer } from './viewer.js';

/** The longest time that Node waits; beyond, it does not wait at all. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/**
 * Ends a view when whoever reads it may no longer: whenever what is known of them holds no longer, as with a token that
 * expires or was taken back, `anew` finds it out anew. Tokens that Kubernetes is asked for hold for seconds only, and
 * their views go on.
 */
export function endWithAccess(viewer: Viewer, first: Access, anew: () => Promise<Access>): void {
  let timer: NodeJS.Timeout | undefined;
  const scope = scopeOf(first);
  const wait = ({ untilMs }: Access) => {
    if (untilMs === Infinity || viewer.stream.destroyed) return;
    timer = setTimeout(look, Math.min(untilMs - Date.now(), LONGEST_WAIT_MS));
  };
  const look = () => {
    anew().then(
      (access) => {
        if (scopeOf(access) === scope && access.untilMs > Date.now()) wait(access);
        else viewer.end();
      },
      // Whatever it is, whoever comes back is told.
      () => viewer.end(),
    );
  };
  viewer.stream.once('close', () => clearTimeout(timer));
  wait(first);
}

function scopeOf(access: Access): string {
  return JSON.stringify(access.namespaces('view'));
}
