import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import {
  clusterObjects,
  clusterObjectsTable,
  confirmObjects,
  latestObjects,
} from '@sonde/backbone/store/schema/cluster-objects';
import { type FlowStore, StoreError } from '@sonde/backbone/store/store';
import { type KubernetesObject, objectKey, type Pod } from '@sonde/model/cluster/objects';
import { isPortNames, PortNamesOfPods } from '@sonde/model/policy/history/port-names';
import {
  changedAtMs,
  changedBy,
  affectsPolicies,
  manifestText,
  namedAuthor,
  type ObjectVersion,
  UNKNOWN_AUTHOR,
} from '@sonde/model/policy/history/object-version';
import type { ObjectSink } from '../watch/known-objects.js';

export interface PolicyHistoryOptions {
  readonly store: FlowStore;
  /** Resolves once every existing object was reported: other objects in the store were deleted. */
  readonly ready: Promise<void>;
  readonly log: Logger;
  /** Ends `run`, after the versions reported so far. */
  readonly signal: AbortSignal;
}

/** Numbers of versions by outcome, for metrics. */
export interface PolicyHistoryCounts {
  written: number;
  /** Versions that were replaced before they were stored, during a long outage of the store. */
  skipped: number;
  /** Failed attempts to read or write versions; each is retried. */
  failures: number;
}

/** How long changes are collected before they are written. */
const GATHER_MS = 500;
/** Above this number of waiting changes, only the latest of each object is kept. */
const MAX_WAITING = 20_000;
/** Versions per insert. */
const MAX_WRITTEN = 1000;
/** How often current versions are confirmed, so that retention keeps them. */
const CONFIRM_MS = 6 * 3_600_000;
const MAX_RETRY_MS = 15_000;

interface Change {
  readonly object: KubernetesObject;
  readonly atMs: number;
  readonly deleted: boolean;
  /** Empty if unknown, as for deletions: Kubernetes does not record who deletes. */
  readonly changedBy: string;
}

/** The latest stored version of an object. */
type Stored = Pick<ObjectVersion, 'version' | 'changedAtMs' | 'deleted' | 'manifest'>;

/**
 * Stores every version of the objects that policies depend on, each once: an unchanged object that is reported again,
 * after a restart or by another enricher, makes no new version. It observes `followCluster`; `run` writes the versions.
 */
export class PolicyHistory implements ObjectSink {
  readonly counts: PolicyHistoryCounts = { written: 0, skipped: 0, failures: 0 };
  readonly #portNames = new PortNamesOfPods();
  #waiting: Change[] = [];
  /** The existing objects by key, with the authors that their annotations name. */
  readonly #authors = new Map<string, string | undefined>();

  constructor(readonly cluster: string) {}

  apply(object: KubernetesObject, atMs: number): void {
    if (object.kind === 'Pod' && object.apiVersion === 'v1') {
      const names = this.#portNames.apply(object as Pod);
      if (names) this.#wait({ object: names, atMs, deleted: false, changedBy: '' });
    } else if (affectsPolicies(object)) {
      const key = objectKey(object);
      const former = this.#authors.has(key) ? this.#authors.get(key) : UNKNOWN_AUTHOR;
      this.#authors.set(key, namedAuthor(object));
      this.#wait({ object, atMs, deleted: false, changedBy: changedBy(object, former) });
    }
  }

  remove(object: KubernetesObject, atMs: number): void {
    if (object.kind === 'Pod' && object.apiVersion === 'v1') this.#portNames.remove(object);
    else if (this.#authors.delete(objectKey(object)))
      this.#wait({ object, atMs, deleted: true, changedBy: '' });
  }

  /**
   * Writes versions until the signal, then those that still wait. Failed inserts are retried.
   * @throws StoreError only if the last attempt, after the signal, fails.
   */
  async run(options: PolicyHistoryOptions): Promise<void> {
    const { store, ready, log, signal } = options;
    const stored = await this.#trying(() => this.#load(store), options);
    /** Whether every existing object was reported, and deletions from before are not recorded yet. */
    const reported = { all: false };
    // A failure of the first reading is reported by the reader.
    ready.then(() => (reported.all = true)).catch(() => undefined);
    let confirmedMs = 0;
    for (let isLast = false; !isLast;) {
      await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
      isLast = signal.aborted;
      if (reported.all) {
        reported.all = false;
        this.#noteDeletions(stored);
      }
      await this.#trying(() => this.#write(store, stored), options);
      if (Date.now() - confirmedMs < CONFIRM_MS) continue;
      confirmedMs = Date.now();
      await this.#trying(() => confirmObjects(store, this.cluster), options);
    }
    if (this.counts.skipped > 0) log.warn({ ...this.counts }, 'not every version of policies was kept');
  }

  /** Retries an attempt until it succeeds; after the signal, it is attempted only once more. */
  async #trying<Result>(
    attempt: () => Promise<Result>,
    { log, signal }: PolicyHistoryOptions,
  ): Promise<Result> {
    for (let retryMs = 250; ; retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)) {
      const isLast = signal.aborted;
      try {
        return await attempt();
      } catch (error) {
        this.counts.failures += 1;
        if (!(error instanceof StoreError) || isLast) throw error;
        log.warn(
          { cluster: this.cluster, retryMs, reason: error.message },
          'policy history not stored; retrying',
        );
        await delay(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  #wait(change: Change): void {
    this.#waiting.push(change);
    if (this.#waiting.length < MAX_WAITING) return;
    const latest = new Map(this.#waiting.map((one) => [objectKey(one.object), one]));
    this.counts.skipped += this.#waiting.length - latest.size;
    this.#waiting = [...latest.values()];
  }

  async #load(store: FlowStore): Promise<Map<string, Stored>> {
    const rows = await store.query<{
      manifest: string;
      version: string;
      changed_ms: string;
    }>(
      `SELECT manifest, version, toUnixTimestamp64Milli(changed_at) AS changed_ms
       FROM ${latestObjects('cluster = {cluster:String}', clusterObjectsTable)}`,
      { cluster: this.cluster },
    );
    const entries = rows.map(({ manifest, version, changed_ms }): [string, Stored] => {
      const key = objectKey(JSON.parse(manifest) as KubernetesObject);
      return [key, { version, changedAtMs: Number(changed_ms), deleted: false, manifest }];
    });
    return new Map(entries);
  }

  /** Records the deletions that happened while no enricher watched. */
  #noteDeletions(stored: ReadonlyMap<string, Stored>): void {
    const atMs = Date.now();
    for (const [key, { manifest, deleted }] of stored) {
      if (deleted || this.#authors.has(key)) continue;
      const object = JSON.parse(manifest) as KubernetesObject;
      if (!isPortNames(object)) this.#wait({ object, atMs, deleted: true, changedBy: '' });
    }
  }

  async #write(store: FlowStore, stored: Map<string, Stored>): Promise<void> {
    while (this.#waiting.length > 0) {
      const changes = this.#waiting.slice(0, MAX_WRITTEN);
      // Effective once the insert succeeded.
      const next = new Map<string, Stored>();
      const versions = changes.flatMap((change) => {
        const key = objectKey(change.object);
        const version = this.#version(change, next.get(key) ?? stored.get(key));
        if (version) next.set(key, version);
        return version ?? [];
      });
      await store.insertRows(clusterObjects, versions);
      this.counts.written += versions.length;
      for (const [key, value] of next) stored.set(key, value);
      // Meanwhile others may have been added, and written ones replaced.
      const done = new Set(changes);
      this.#waiting = this.#waiting.filter((change) => !done.has(change));
    }
  }

  /** The version that a change makes; undefined if nothing changed. */
  #version(
    { object, atMs, deleted, changedBy }: Change,
    before: Stored | undefined,
  ): ObjectVersion | undefined {
    if (deleted && (!before || before.deleted)) return undefined;
    // A deletion may be reported with no more than the object's name.
    const manifest = deleted && before ? before.manifest : manifestText(object);
    if (!deleted && before?.deleted === false && before.manifest === manifest) return undefined;
    const timeMs = deleted ? atMs : (changedAtMs(object) ?? atMs);
    const changedMs = Math.max(timeMs, before ? before.changedAtMs + 1 : 0);
    const { apiVersion, kind, metadata } = object;
    const own = metadata.resourceVersion ?? `${new Date(changedMs).toISOString()} ${digestOf(manifest)}`;
    return {
      ...{ cluster: this.cluster, apiVersion, kind },
      ...{ namespace: metadata.namespace ?? '', name: metadata.name },
      version: deleted ? `${before?.version ?? ''} gone` : own,
      changedAtMs: changedMs,
      deleted,
      changedBy,
      manifest,
    };
  }
}

function digestOf(manifest: string): string {
  return createHash('sha256').update(manifest).digest('base64url').slice(0, 22);
}
