import type { Access } from '@sonde/query/access/access';
import type { Subscriber } from './subscriber.js';

/** The longest time that Node waits; beyond, it does not wait at all. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** How is found out whether somebody may still do what they could. */
export interface AccessUpdates {
  /** Finds it out again. Rejects if they may not. */
  readonly refresh: () => Promise<Access>;
  /** Has `listener` called when everybody is to be looked at again, until what is returned is called. */
  readonly onChange: (listener: () => void) => () => void;
}

/**
 * Ends a live view when its reader may no longer see the same. Checks access again when a token expires and after every
 * reload of the access configuration. Kubernetes tokens are valid for seconds only; their views continue after the check.
 */
export function endOnAccessChange(
  viewer: Subscriber,
  first: Access,
  { refresh, onChange }: AccessUpdates,
): void {
  let timer: NodeJS.Timeout | undefined;
  const scope = scopeOf(first);
  const wait = ({ untilMs }: Access) => {
    clearTimeout(timer);
    if (untilMs === Infinity || viewer.stream.destroyed) return;
    timer = setTimeout(look, Math.min(untilMs - Date.now(), MAX_TIMEOUT_MS));
  };
  const look = () => {
    refresh().then(
      (access) => {
        if (scopeOf(access) === scope && access.untilMs > Date.now()) wait(access);
        else viewer.end();
      },
      // Whatever it is, whoever comes back is told.
      () => viewer.end(),
    );
  };
  const listenNoMore = onChange(look);
  viewer.stream.once('close', () => {
    clearTimeout(timer);
    listenNoMore();
  });
  wait(first);
}

function scopeOf(access: Access): string {
  return JSON.stringify(access.namespaces('view'));
}
