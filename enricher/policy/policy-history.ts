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
  type ObjectVersion,
} from '@sonde/model/policy/history/object-version';
import type { ObjectSink } from '../watch/known-objects.js';

export interface PolicyHistoryOptions {
  readonly store: FlowStore;
  /** Resolves once every object that is there was told: what the store holds besides is gone. */
  readonly ready: Promise<void>;
  readonly log: Logger;
  /** Ends the writing, after what was told so far. */
  readonly signal: AbortSignal;
}

/** What became of versions, for metrics. */
export interface PolicyHistoryCounts {
  written: number;
  /** Versions that were followed by others before the store took them, while it was refusing for long. */
  skipped: number;
  /** Failed attempts to read or write versions; each is retried. */
  failures: number;
}

/** How long changes are gathered before they are written. */
const GATHER_MS = 500;
/** Above so many changes that wait, those which others of the same object follow are skipped. */
const MAX_WAITING = 20_000;
/** Versions that are written at once. */
const MAX_WRITTEN = 1000;
/** How often the store is told that what holds still does, so that retention spares it. */
const CONFIRM_MS = 6 * 3_600_000;
const MAX_RETRY_MS = 15_000;

interface Change {
  readonly object: KubernetesObject;
  readonly atMs: number;
  readonly deleted: boolean;
}

/** The latest version that the store holds of an object. */
type Stored = Pick<ObjectVersion, 'version' | 'changedAtMs' | 'deleted' | 'manifest'>;

/**
 * Keeps every version of what policies depend on in the store, each written once: an object that is told again
 * unchanged, after a restart or by another enricher, makes no new one. Hears of objects as an observer of
 * `followCluster`, from the start on; `run` writes them.
 */
export class PolicyHistory implements ObjectSink {
  readonly counts: PolicyHistoryCounts = { written: 0, skipped: 0, failures: 0 };
  readonly #portNames = new PortNamesOfPods();
  #waiting: Change[] = [];
  /** The objects that are there, by key, as far as they were told. */
  readonly #present = new Set<string>();

  constructor(readonly cluster: string) {}

  apply(object: KubernetesObject, atMs: number): void {
    if (object.kind === 'Pod' && object.apiVersion === 'v1') {
      const names = this.#portNames.apply(object as Pod);
      if (names) this.#wait({ object: names, atMs, deleted: false });
    } else if (affectsPolicies(object)) {
      this.#present.add(objectKey(object));
      this.#wait({ object, atMs, deleted: false });
    }
  }

  remove(object: KubernetesObject, atMs: number): void {
    if (object.kind === 'Pod' && object.apiVersion === 'v1') this.#portNames.remove(object);
    else if (this.#present.delete(objectKey(object))) this.#wait({ object, atMs, deleted: true });
  }

  /**
   * Writes versions until the signal, then what still waits. While the store refuses, it is tried again.
   * @throws StoreError only if the last attempt, after the signal, fails.
   */
  async run(options: PolicyHistoryOptions): Promise<void> {
    const { store, ready, log, signal } = options;
    const stored = await this.#trying(() => this.#load(store), options);
    /** Whether everything was told, and what is gone not yet noted. */
    const told = { all: false };
    // What made the first reading fail is told by whoever reads.
    ready.then(() => (told.all = true)).catch(() => undefined);
    let confirmedMs = 0;
    for (let isLast = false; !isLast;) {
      await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
      isLast = signal.aborted;
      if (told.all) {
        told.all = false;
        this.#noteGone(stored);
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

  /** What the store holds and nobody told of went while nobody was there to see it. */
  #noteGone(stored: ReadonlyMap<string, Stored>): void {
    const atMs = Date.now();
    for (const [key, { manifest, deleted }] of stored) {
      if (deleted || this.#present.has(key)) continue;
      const object = JSON.parse(manifest) as KubernetesObject;
      if (!isPortNames(object)) this.#wait({ object, atMs, deleted: true });
    }
  }

  async #write(store: FlowStore, stored: Map<string, Stored>): Promise<void> {
    while (this.#waiting.length > 0) {
      const changes = this.#waiting.slice(0, MAX_WRITTEN);
      // What the store then holds, which counts only once it has taken it.
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
      // Others may have come to wait meanwhile, and those written may have been skipped.
      const done = new Set(changes);
      this.#waiting = this.#waiting.filter((change) => !done.has(change));
    }
  }

  /** The version that a change makes of what is stored; undefined if it makes none. */
  #version({ object, atMs, deleted }: Change, before: Stored | undefined): ObjectVersion | undefined {
    if (deleted && (!before || before.deleted)) return undefined;
    // Who tells of an end may know no more of the object than its name.
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
      changedBy: deleted ? '' : changedBy(object),
      manifest,
    };
  }
}

function digestOf(manifest: string): string {
  return createHash('sha256').update(manifest).digest('base64url').slice(0, 22);
}
