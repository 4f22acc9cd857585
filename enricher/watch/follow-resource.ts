import { clearTimeout, setTimeout as startTimer } from 'node:timers';
import { setTimeout as delay } from 'node:timers/promises';
import { ApiError, type ApiServer } from './api-server.js';
import { KnownObjects, type ObjectSink } from './known-objects.js';
import { collectionPath, type WatchedResource } from './resources.js';
import type { WatchStatus } from './watch-status.js';

/** Numbers of events of watches, for metrics. */
export interface WatchCounts {
  /** Listed objects and received changes. */
  objects: number;
  lists: number;
  /** Broken connections and error responses. */
  failures: number;
}

/** How often a kind is checked, in ms. Times are spread by half. */
export interface WatchIntervals {
  /** Until the API version of a kind is looked up again. */
  readonly discoveryMs: number;
  /** Until a followed kind is listed again and compared with what is known. */
  readonly relistMs: number;
}

export interface FollowOptions {
  readonly server: ApiServer;
  /** The API version in which the kind is served; undefined if the cluster does not have it. */
  readonly versionOf: (resource: WatchedResource) => Promise<string | undefined>;
  readonly sink: ObjectSink;
  readonly status: WatchStatus;
  readonly signal: AbortSignal;
  readonly counts: WatchCounts;
  readonly intervals: WatchIntervals;
  /** The time in ms; injected by tests. */
  readonly now: () => number;
  /** Called once the kind was listed, or is known to be absent. */
  readonly onRead: () => void;
}

/** Objects per page of a list. */
const PAGE = '500';
/** The server ends a watch after this time, and it is resumed: no dead connection lasts. */
const WATCH_SECONDS = '280';
const FIRST_RETRY_MS = 100;
const MAX_RETRY_MS = 15_000;

/**
 * Follows all objects of a kind until the signal: lists them page by page, then watches from the version of the list. A
 * broken watch is resumed from the last version. Objects are listed again and compared with what is known
 * if the server has forgotten that version (410 Gone), if its versions went backwards, and from time to time.
 */
export async function followResource(resource: WatchedResource, options: FollowOptions): Promise<void> {
  const { signal, counts, status, intervals, onRead } = options;
  const known = new KnownObjects(options.sink, options.now);
  let position: Position | undefined;
  let retryMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    try {
      if (position) await checkVersion(position, options);
      else {
        const apiVersion = await options.versionOf(resource);
        if (apiVersion === undefined) {
          known.removeAll();
          status.absent(resource);
          onRead();
          await delay(spread(intervals.discoveryMs), undefined, { signal });
          continue;
        }
        position = await listAll(resource, apiVersion, known, options);
      }
      status.followed(resource);
      onRead();
      const changed = await watchUntilCheck(resource, position, known, options, () => {
        retryMs = FIRST_RETRY_MS;
      });
      if (changed) position = undefined;
      // Servers that end each watch at once are not contacted without a pause.
      else await delay(FIRST_RETRY_MS, undefined, { signal });
    } catch (error) {
      if (wasAborted(signal)) return;
      if (!(error instanceof Error)) throw error;
      if (error instanceof VersionsWentBackwards) {
        position = undefined;
        known.forgetVersions();
        continue;
      }
      const httpStatus = error instanceof ApiError ? error.status : undefined;
      // The version is too old, or the kind is gone or moved: only a new list tells what there is.
      if (httpStatus === 410 || httpStatus === 404) position = undefined;
      counts.failures++;
      // Only a list tells what an expired watch missed; until then nothing is wrong.
      if (httpStatus !== 410) status.failed(resource, error);
      await delay(waitBefore(error, retryMs), undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }
}

/** The state of a watch. */
interface Position {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  version: string;
}

/** The server has older versions than it had: its database was restored from a backup. */
class VersionsWentBackwards extends Error {
  override readonly name = 'VersionsWentBackwards';
}

/** Reads `aborted` again: during an `await` the signal may have come. */
function wasAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

/** The time before the next try: never before `Retry-After`, and spread so that kinds do not retry all at once. */
function waitBefore(error: Error, retryMs: number): number {
  const retryAfterMs = error instanceof ApiError ? error.retryAfterMs : undefined;
  return retryAfterMs === undefined ? spread(retryMs) : retryAfterMs + retryMs * Math.random();
}

/** Between half and one and a half of a time. */
function spread(ms: number): number {
  return ms * (0.5 + Math.random());
}

/** Lists all objects and removes those that no longer exist; returns where to watch from. */
async function listAll(
  { kind, plural }: WatchedResource,
  apiVersion: string,
  known: KnownObjects,
  { server, signal, counts, now }: FollowOptions,
): Promise<Position> {
  const path = collectionPath(apiVersion, plural);
  const startMs = now();
  let version: string;
  let next: string | undefined;
  counts.lists++;
  known.beginList();
  do {
    const query: Record<string, string> = { limit: PAGE, ...(next === undefined ? {} : { continue: next }) };
    const { items, metadata } = await server.list(path, query, signal);
    for (const item of items) known.list({ ...item, apiVersion, kind });
    counts.objects += items.length;
    version = metadata.resourceVersion ?? '';
    next = metadata.continue;
  } while (next !== undefined && next !== '');
  known.endList(startMs);
  return { path, apiVersion, kind, version };
}

/**
 * Compares the server's version with that of the watch before it is resumed: a watch from a version that the
 * server has not reached is silent.
 * @throws VersionsWentBackwards
 */
async function checkVersion(position: Position, { server, signal }: FollowOptions): Promise<void> {
  const { metadata } = await server.list(position.path, { limit: '1' }, signal);
  if (isBefore(metadata.resourceVersion, position.version)) throw new VersionsWentBackwards();
}

/** Compares versions of one kind (Kubernetes API concepts, "Resource versions"); false if they are no numbers. */
function isBefore(version: string | undefined, other: string): boolean {
  if (version === undefined || !/^\d+$/.test(version) || !/^\d+$/.test(other)) return false;
  return BigInt(version) < BigInt(other);
}

/**
 * Watches until the server ends the watch, or until the kind is to be listed again: because it is due, or because it is
 * served in another API version. Returns whether it is to be listed again.
 */
async function watchUntilCheck(
  resource: WatchedResource,
  position: Position,
  known: KnownObjects,
  options: FollowOptions,
  onEvent: () => void,
): Promise<boolean> {
  const { versionOf, intervals, signal } = options;
  const check = new AbortController();
  const relist = startTimer(() => check.abort(), spread(intervals.relistMs));
  let discovery: NodeJS.Timeout | undefined;
  const discover = () => {
    discovery = startTimer(() => {
      versionOf(resource).then(
        (version) => (version === position.apiVersion ? discover() : check.abort()),
        // The watch itself fails if the server cannot be reached.
        discover,
      );
    }, spread(intervals.discoveryMs));
  };
  discover();
  try {
    await watch(position, known, { ...options, signal: AbortSignal.any([signal, check.signal]) }, onEvent);
    return false;
  } catch (error) {
    if (check.signal.aborted) return true;
    throw error;
  } finally {
    clearTimeout(relist);
    clearTimeout(discovery);
    check.abort();
  }
}

/** Applies the changes of a watch until the server ends it, and advances the position. */
async function watch(
  position: Position,
  known: KnownObjects,
  { server, signal, counts, now }: FollowOptions,
  onEvent: () => void,
): Promise<void> {
  const { path, apiVersion, kind } = position;
  const query = {
    resourceVersion: position.version,
    allowWatchBookmarks: 'true',
    timeoutSeconds: WATCH_SECONDS,
  };
  for await (const event of server.watch(path, query, signal)) {
    if (event.type === 'ERROR')
      throw new ApiError(event.object.code ?? 500, event.object.message ?? 'the watch reported an error');
    const { resourceVersion } = event.object.metadata;
    if (isBefore(resourceVersion, position.version)) throw new VersionsWentBackwards();
    known.currentMs = now();
    if (event.type !== 'BOOKMARK') {
      const object = { ...event.object, apiVersion, kind };
      if (event.type === 'DELETED') known.remove(object);
      else known.apply(object);
      counts.objects++;
    }
    if (resourceVersion !== undefined) position.version = resourceVersion;
    onEvent();
  }
}
