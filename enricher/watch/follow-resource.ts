import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import type { KubernetesObject } from '@sonde/model/cluster/objects';
import { ApiError, type ApiServer } from './api-server.js';
import { pruneObject } from './prune-object.js';
import { collectionPath, type WatchedResource } from './resources.js';

/** Where objects go as they come, change and go. */
export interface ObjectSink {
  /** Applies an object as it was at `atMs`, new or changed. */
  apply(object: KubernetesObject, atMs: number): void;
  /** Removes an object that last existed at `atMs`. */
  remove(object: KubernetesObject, atMs: number): void;
}

/** What happened in watches, for metrics. */
export interface WatchCounts {
  /** Objects that were listed, and changes that were received. */
  objects: number;
  lists: number;
  /** Times that a connection broke or a request was refused. */
  failures: number;
}

export interface FollowOptions {
  readonly server: ApiServer;
  readonly sink: ObjectSink;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly counts: WatchCounts;
  /** The time in ms; injected by tests. */
  readonly now: () => number;
  /** Called once the kind was read a first time, or is known not to be there. */
  readonly onRead: () => void;
  /** How long to wait before a kind that the cluster does not have is looked for again, in ms. */
  readonly absentMs?: number;
}

/** Objects a page of a list. */
const PAGE = '500';
/** After so long the server ends a watch, which is then resumed; so a dead connection never lasts. */
const WATCH_SECONDS = '280';
const ABSENT_MS = 60_000;
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 15_000;

/**
 * Follows all objects of a kind until the signal: lists them page by page, then watches from the list's version on.
 * What breaks is resumed from the last version seen; where the server has forgotten that version (410 Gone), objects
 * are listed again and compared with what is known.
 */
export async function followResource(resource: WatchedResource, options: FollowOptions): Promise<void> {
  const { signal, log, counts, onRead } = options;
  const known: Known = { objects: new Map(), currentMs: 0 };
  let place: Place | undefined;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      place ??= await listFirstServed(resource, known, options);
      if (!place) {
        onRead();
        await delay(options.absentMs ?? ABSENT_MS, undefined, { signal });
        continue;
      }
      onRead();
      for await (const version of watchFrom(place, known, options)) {
        place.version = version;
        retryMs = FIRST_RETRY_MS;
      }
      // A server that ends each watch at once must not be asked without a pause.
      await delay(FIRST_RETRY_MS, undefined, { signal });
    } catch (error) {
      if (wasAborted(signal)) return;
      if (!(error instanceof Error)) throw error;
      const status = error instanceof ApiError ? error.status : undefined;
      // The version is too old, or the kind is gone or moved: only a new list says what is there.
      if (status === 410 || status === 404) place = undefined;
      counts.failures++;
      log.warn({ kind: resource.kind, retryMs, reason: error.message }, 'watch failed; retrying');
      // Spread, so that not all kinds come back at the same moment.
      await delay(retryMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }
}

/** What the API server has told of a kind. */
interface Known {
  /** The objects that are there, by their names. */
  readonly objects: Map<string, KubernetesObject>;
  /** When it last told anything: of what happened since nothing can be said until it does again. */
  currentMs: number;
}

/** Asks again: between two questions an await may have let the signal come. */
function wasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** Where a watch stands. */
interface Place {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  version: string;
}

/** Lists the kind in the first of its API versions that is served; undefined if none is, and all objects are gone. */
async function listFirstServed(
  resource: WatchedResource,
  known: Known,
  options: FollowOptions,
): Promise<Place | undefined> {
  for (const apiVersion of resource.versions) {
    const place = {
      path: collectionPath(apiVersion, resource.plural),
      apiVersion,
      kind: resource.kind,
      version: '',
    };
    try {
      place.version = await listAll(place, known, options);
      return place;
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 403)) throw error;
      if (error.status === 403) {
        options.counts.failures++;
        options.log.warn({ kind: resource.kind, reason: error.message }, 'not authorized to list or watch');
      }
    }
  }
  for (const object of known.objects.values()) options.sink.remove(object, known.currentMs);
  known.objects.clear();
  return undefined;
}

/** Takes in all objects, takes out those that are no more, and returns the version of the list. */
async function listAll(place: Place, known: Known, options: FollowOptions): Promise<string> {
  const { server, sink, signal, counts } = options;
  const startMs = options.now();
  const seen = new Set<string>();
  let version: string;
  let next: string | undefined;
  counts.lists++;
  do {
    const query: Record<string, string> = { limit: PAGE, ...(next === undefined ? {} : { continue: next }) };
    const page = await server.list(place.path, query, signal);
    for (const item of page.items) {
      const key = keyOf(item);
      seen.add(key);
      take(place, item, known, options);
      counts.objects++;
    }
    version = page.metadata.resourceVersion ?? '';
    next = page.metadata.continue;
  } while (next !== undefined && next !== '');
  for (const [key, object] of known.objects) {
    if (seen.has(key)) continue;
    known.objects.delete(key);
    // It went at some time since; who held its address then is not known, so it is not said to have been this one.
    sink.remove(object, known.currentMs);
  }
  known.currentMs = startMs;
  return version;
}

/** Takes in changes as they are told, giving the version of each, until the server ends the watch. */
async function* watchFrom(place: Place, known: Known, options: FollowOptions): AsyncGenerator<string> {
  const { server, sink, signal, counts, now } = options;
  const query = {
    resourceVersion: place.version,
    allowWatchBookmarks: 'true',
    timeoutSeconds: WATCH_SECONDS,
  };
  for await (const event of server.watch(place.path, query, signal)) {
    if (event.type === 'ERROR')
      throw new ApiError(event.object.code ?? 500, event.object.message ?? 'the watch reported an error');
    const { object } = event;
    known.currentMs = now();
    if (event.type === 'DELETED') {
      known.objects.delete(keyOf(object));
      const { apiVersion, kind } = place;
      sink.remove(pruneObject({ ...object, apiVersion, kind }), known.currentMs);
      counts.objects++;
    } else if (event.type !== 'BOOKMARK') {
      take(place, object, known, options);
      counts.objects++;
    }
    const { resourceVersion } = object.metadata;
    if (resourceVersion !== undefined) yield resourceVersion;
  }
}

function take(
  { apiVersion, kind }: Place,
  item: KubernetesObject,
  known: Known,
  { sink, now }: FollowOptions,
): void {
  // Items of lists do not say of what kind they are.
  const object = pruneObject({ ...item, apiVersion, kind });
  const { name, namespace, uid } = object.metadata;
  // To say later that an object is gone, its name is enough.
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(uid === undefined ? {} : { uid }),
  };
  known.objects.set(keyOf(item), { apiVersion, kind, metadata });
  sink.apply(object, now());
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
