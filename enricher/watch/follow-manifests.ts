import { stat, watch } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@sonde/backbone/logging';
import { readManifests } from '@sonde/backbone/manifests/read';
import { type KubernetesObject, objectKey } from '@sonde/model/cluster/objects';
import type { ObjectSink } from './known-objects.js';

export interface FollowManifestsOptions {
  readonly sink: ObjectSink;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Delay before files are read after a change: editors and `git` change several at once. */
const SETTLE_MS = 200;

interface Known {
  readonly object: KubernetesObject;
  readonly text: string;
}

/**
 * Follows files and folders of manifests. `read` resolves once they were read, and rejects if one of them does not
 * exist; `ended` resolves after the signal.
 */
export function followManifests(
  paths: readonly string[],
  options: FollowManifestsOptions,
): { readonly read: Promise<void>; readonly ended: Promise<void> } {
  const known = new Map<string, Known>();
  const { log, signal } = options;
  const changes = new Changes();
  // Watches start before the first reading, so that no change is missed.
  const watches = paths.map((path) => reportChanges(path, changes, options));
  const read = readInto(known, paths, options);

  async function follow(): Promise<void> {
    await read;
    while (await changes.next(signal)) {
      await delay(SETTLE_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) break;
      try {
        await readInto(known, paths, options);
      } catch (error) {
        // As between the removal and the renaming of a file; what was known stays until it can be read.
        log.warn({ reason: String(error) }, 'cannot read manifests; keeping their previous objects');
      }
    }
    await Promise.all(watches);
  }
  const ended = follow();
  // A failure of the first reading is reported by `read`.
  ended.catch(() => undefined);
  return { read, ended };
}

/** Signals changes; several changes before the next reading are one. */
class Changes {
  #noted = false;
  #wake: (() => void) | undefined;

  note(): void {
    this.#noted = true;
    this.#wake?.();
  }

  /** Resolves to true at a change, and to false after the signal. */
  async next(signal: AbortSignal): Promise<boolean> {
    if (!this.#noted && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#noted = false;
    return !signal.aborted;
  }
}

async function reportChanges(path: string, changes: Changes, options: FollowManifestsOptions): Promise<void> {
  const { log, signal } = options;
  try {
    const isFolder = (await stat(path)).isDirectory();
    // A replaced file is another file, which a watch of its folder reports.
    const events = watch(isFolder ? path : dirname(path), { recursive: isFolder, signal });
    const iterator = events[Symbol.asyncIterator]();
    while ((await iterator.next()).done !== true) changes.note();
  } catch (error) {
    if (signal.aborted) return;
    log.warn({ path, reason: String(error) }, 'cannot watch manifests for changes');
  }
}

/** Reads all manifests and applies the differences from the known objects. */
async function readInto(
  known: Map<string, Known>,
  paths: readonly string[],
  { sink, log }: FollowManifestsOptions,
): Promise<void> {
  const { objects, problems } = await readManifests(paths);
  for (const problem of problems) log.warn({ ...problem }, 'ignored an invalid manifest');
  const found = new Map<string, Known>();
  for (const { object, file, line } of objects) {
    const key = objectKey(object);
    const text = JSON.stringify(object);
    const twin = found.get(key);
    if (!twin) found.set(key, { object, text });
    else if (twin.text !== text)
      log.warn({ file, line, object: key }, 'ignored a different manifest of the same object');
  }
  for (const [key, { object }] of known) {
    if (found.has(key)) continue;
    known.delete(key);
    sink.remove(object, Date.now());
  }
  for (const [key, one] of found) {
    if (known.get(key)?.text === one.text) continue;
    known.set(key, one);
    sink.apply(one.object, Date.now());
  }
}
