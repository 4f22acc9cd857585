import { setTimeout as startTimer } from 'node:timers';
import type { Logger } from '@sonde/backbone/logging';
import { ApiError } from './api-server.js';
import { type WatchedResource, kindName } from './resources.js';

/** Whether a kind is followed, since when (in ms), and if not, why. */
export type KindStatus =
  | { readonly state: 'followed' | 'absent'; readonly sinceMs: number }
  /** Not listed yet. */
  | { readonly state: 'pending'; readonly sinceMs: number }
  /** `wasRead` tells whether its objects are known from before. */
  | {
      readonly state: 'forbidden' | 'unavailable';
      readonly sinceMs: number;
      readonly reason: string;
      readonly wasRead: boolean;
    };

export interface WatchStatusOptions {
  readonly log: Logger;
  readonly now: () => number;
  /** Called when the objects of a kind become known, or are no longer known. */
  readonly onReadChanged: (resource: WatchedResource, isRead: boolean) => void;
}

/** Failures within this time are logged together. */
const LOG_DELAY_MS = 1_000;
/** An API server that starts rejects valid requests for a moment: objects stay known for this time. */
const FORBIDDEN_GRACE_MS = 60_000;

/** The status of each watched kind of a cluster. Logs an outage once, and its end. */
export class WatchStatus {
  readonly #options: WatchStatusOptions;
  readonly #kinds = new Map<WatchedResource, KindStatus>();
  readonly #read = new Set<WatchedResource>();
  #isLogScheduled = false;
  #outageSinceMs: number | undefined;
  #loggedForbidden = '';

  constructor(resources: readonly WatchedResource[], options: WatchStatusOptions) {
    this.#options = options;
    for (const resource of resources) {
      this.#kinds.set(resource, { state: 'pending', sinceMs: options.now() });
      options.onReadChanged(resource, false);
    }
  }

  /** The status of each kind by its name, for example `networkpolicies.networking.k8s.io`. */
  get kinds(): ReadonlyMap<string, KindStatus> {
    return new Map([...this.#kinds].map(([resource, status]) => [kindName(resource), status]));
  }

  /** Why kinds are not followed; undefined if all are followed or absent. */
  get problem(): string | undefined {
    const reasons = [...this.kinds].flatMap(([kind, status]) => {
      if (status.state === 'pending') return `${kind} are not read yet`;
      return 'reason' in status ? `${kind} are ${status.state}: ${status.reason}` : [];
    });
    return reasons.length === 0 ? undefined : reasons.join('; ');
  }

  /** Whether the kind was listed, or is known to be absent, since the start or since its permission was lost. */
  isRead(resource: WatchedResource): boolean {
    return this.#read.has(resource);
  }

  followed(resource: WatchedResource): void {
    this.#settle(resource, 'followed');
  }

  absent(resource: WatchedResource): void {
    this.#settle(resource, 'absent');
  }

  failed(resource: WatchedResource, error: Error): void {
    const { now } = this.#options;
    const state = error instanceof ApiError && error.status === 403 ? 'forbidden' : 'unavailable';
    const before = this.#kinds.get(resource);
    const sinceMs = before?.state === state ? before.sinceMs : now();
    if (state === 'forbidden' && now() - sinceMs >= FORBIDDEN_GRACE_MS) this.#setRead(resource, false);
    const wasRead = this.#read.has(resource);
    this.#kinds.set(resource, { state, sinceMs, reason: error.message, wasRead });
    this.#scheduleLog();
  }

  #settle(resource: WatchedResource, state: 'followed' | 'absent'): void {
    this.#setRead(resource, true);
    if (this.#kinds.get(resource)?.state === state) return;
    this.#kinds.set(resource, { state, sinceMs: this.#options.now() });
    if (this.#outageSinceMs !== undefined || this.#loggedForbidden !== '') this.#scheduleLog();
  }

  #setRead(resource: WatchedResource, isRead: boolean): void {
    if (this.#read.has(resource) === isRead) return;
    if (isRead) this.#read.add(resource);
    else this.#read.delete(resource);
    this.#options.onReadChanged(resource, isRead);
  }

  #scheduleLog(): void {
    if (this.#isLogScheduled) return;
    this.#isLogScheduled = true;
    startTimer(() => {
      this.#isLogScheduled = false;
      this.#log();
    }, LOG_DELAY_MS).unref();
  }

  #log(): void {
    const { log, now } = this.#options;
    const forbidden = this.#failing('forbidden');
    const kinds = forbidden.kinds.join(', ');
    if (kinds !== this.#loggedForbidden) {
      this.#loggedForbidden = kinds;
      const message = 'not authorized to list or watch; grant it as in deploy/rbac.yaml';
      if (kinds === '') log.info('authorized to list and watch every kind');
      else log.warn({ kinds, reason: forbidden.reason }, message);
    }
    const unavailable = this.#failing('unavailable');
    if (unavailable.kinds.length > 0) {
      if (this.#outageSinceMs !== undefined) return;
      this.#outageSinceMs = now();
      log.warn(
        { kinds: unavailable.kinds.join(', '), reason: unavailable.reason },
        'cannot follow the cluster; retrying',
      );
    } else if (this.#outageSinceMs !== undefined) {
      log.info({ outageMs: now() - this.#outageSinceMs }, 'following the cluster again');
      this.#outageSinceMs = undefined;
    }
  }

  #failing(state: 'forbidden' | 'unavailable'): {
    readonly kinds: readonly string[];
    readonly reason: string;
  } {
    const failing = [...this.kinds].filter(([, status]) => status.state === state);
    const [reason = ''] = failing.flatMap(([, status]) => ('reason' in status ? status.reason : []));
    return { kinds: failing.map(([kind]) => kind), reason };
  }
}
