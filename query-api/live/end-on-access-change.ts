import type { Access } from '@sonde/query/access/access';
import type { Subscriber } from './subscriber.js';

/** Maximum delay of Node's timers; longer delays fire immediately. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** How access is checked again. */
export interface AccessUpdates {
  /** Returns the current access; rejects if there is none. */
  readonly refresh: () => Promise<Access>;
  /** Calls `listener` after each change of the access configuration; returns a function that stops that. */
  readonly onChange: (listener: () => void) => () => void;
}

/**
 * Ends a live stream when the access of its client changes. Checks access when the token expires and after every reload of
 * the access configuration. The access of Kubernetes tokens expires every few seconds; their streams continue after the
 * check.
 */
export function endOnAccessChange(
  subscriber: Subscriber,
  first: Access,
  { refresh, onChange }: AccessUpdates,
): void {
  let timer: NodeJS.Timeout | undefined;
  const scope = scopeOf(first);
  const schedule = ({ untilMs }: Access) => {
    clearTimeout(timer);
    if (untilMs === Infinity || subscriber.stream.destroyed) return;
    timer = setTimeout(check, Math.min(untilMs - Date.now(), MAX_TIMEOUT_MS));
  };
  const check = () => {
    refresh().then(
      (access) => {
        if (scopeOf(access) === scope && access.untilMs > Date.now()) schedule(access);
        else subscriber.end();
      },
      // A client that reconnects gets the error.
      () => subscriber.end(),
    );
  };
  const stopListening = onChange(check);
  subscriber.stream.once('close', () => {
    clearTimeout(timer);
    stopListening();
  });
  schedule(first);
}

function scopeOf(access: Access): string {
  return JSON.stringify(access.namespaces('view'));
}
