import { toCalicoApi } from '@sonde/model/cluster/calico-object';
import { type KubernetesObject, namespacedName } from '@sonde/model/cluster/objects';
import { pruneObject } from './prune-object.js';

/** Receives objects as they are added, changed and removed. */
export interface ObjectSink {
  /** Adds or replaces an object as it was at `atMs`. */
  apply(object: KubernetesObject, atMs: number): void;
  /** Removes an object that last existed at `atMs`. */
  remove(object: KubernetesObject, atMs: number): void;
}

interface KnownObject {
  /** The object with no more than its name and UID. */
  readonly object: KubernetesObject;
  /** Undefined if the object is to be applied again whatever its version. */
  version: string | undefined;
}

/** The objects of a kind that the API server reported, and forwards changes of them to a sink. */
export class KnownObjects {
  /** When the API server last reported anything: what happened since is unknown until it does again. */
  currentMs = 0;
  readonly #sink: ObjectSink;
  readonly #now: () => number;
  readonly #objects = new Map<string, KnownObject>();
  #listed = new Set<string>();

  constructor(sink: ObjectSink, now: () => number) {
    this.#sink = sink;
    this.#now = now;
  }

  apply(object: KubernetesObject): void {
    const pruned = pruneObject(object);
    const { apiVersion, kind } = pruned;
    const { name, namespace, uid } = pruned.metadata;
    const key = namespacedName(object.metadata);
    const before = this.#objects.get(key)?.object;
    const metadata = {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
    };
    const { resourceVersion } = object.metadata;
    this.#objects.set(key, { object: { apiVersion, kind, metadata }, version: resourceVersion });
    this.#sink.apply(pruned, this.#now());
    // Served in another API version, or under another name of its own, it is the same object.
    if (before && (before.apiVersion !== apiVersion || before.metadata.name !== name))
      this.#sink.remove(before, this.#now());
  }

  remove(object: KubernetesObject): void {
    this.#objects.delete(namespacedName(object.metadata));
    this.#sink.remove(pruneObject(object), this.currentMs);
  }

  /** Starts a list of all objects. */
  beginList(): void {
    this.#listed = new Set();
  }

  /** Applies a listed object, unless it is known in the same version. */
  list(object: KubernetesObject): void {
    const key = namespacedName(object.metadata);
    this.#listed.add(key);
    const known = this.#objects.get(key);
    const { resourceVersion, uid } = object.metadata;
    const isUnchanged =
      known?.version !== undefined &&
      known.version === resourceVersion &&
      known.object.metadata.uid === uid &&
      known.object.apiVersion === toCalicoApi(object).apiVersion;
    if (!isUnchanged) this.apply(object);
  }

  /** Removes the objects that were not listed. `startMs` is when the list began. */
  endList(startMs: number): void {
    for (const [key, { object }] of this.#objects) {
      if (this.#listed.has(key)) continue;
      this.#objects.delete(key);
      // It was deleted at some time since; who had its address then is unknown.
      this.#sink.remove(object, this.currentMs);
    }
    this.#listed = new Set();
    this.currentMs = startMs;
  }

  /** Removes all objects of a kind that no longer exists. */
  removeAll(): void {
    for (const { object } of this.#objects.values()) this.#sink.remove(object, this.currentMs);
    this.#objects.clear();
  }

  /** Applies every object of the next list again: after a restore, equal versions may be different contents. */
  forgetVersions(): void {
    for (const known of this.#objects.values()) known.version = undefined;
  }
}
