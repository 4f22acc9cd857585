import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { StoreError } from '../store/store.js';

/** A data directory that is ours until `release`. */
export interface DirectoryLock {
  release(): void;
}

/**
 * Takes the lock file of a data directory, so that two processes never work on one. The lock of a process that
 * is gone is taken over.
 * @throws StoreError naming the process that holds the directory.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const lock = path.join(directory, 'lock');
  const own = path.join(directory, `lock.${process.pid}`);
  const content = JSON.stringify(describeProcess(process.pid));
  writeFileSync(own, content);
  try {
    // A link either makes the whole file under its name or fails: nobody sees a lock without its holder.
    while (!linkIfAbsent(own, lock)) {
      const found = readIfPresent(lock);
      if (found === undefined) continue;
      const holder = parseHolder(found);
      if (holder !== undefined && isAlive(holder)) throw heldError(directory, holder.pid);
      takeAway(lock, found);
    }
  } finally {
    rmSync(own, { force: true });
  }
  return {
    release() {
      if (readIfPresent(lock) === content) rmSync(lock, { force: true });
    },
  };
}

interface Holder {
  readonly pid: number;
  /** When the process started, in the kernel's clock ticks: tells it from a later one with its number. */
  readonly started: string | null;
}

function describeProcess(pid: number): Holder {
  return { pid, started: startTicks(pid) };
}

/** Field 22 of /proc/PID/stat (proc(5)); null where there is no such file. */
function startTicks(pid: number): string | null {
  const stat = readIfPresent(`/proc/${pid}/stat`);
  // The second field is the command in parentheses, which may itself hold spaces and parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is there, but another user's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.started === null || startTicks(holder.pid) === holder.started;
}

function parseHolder(content: string): Holder | undefined {
  try {
    const holder = JSON.parse(content) as Partial<Holder>;
    return typeof holder.pid === 'number' ? { pid: holder.pid, started: holder.started ?? null } : undefined;
  } catch {
    return undefined; // Not a lock that Sonde wrote whole: nobody holds it.
  }
}

/** Removes a stale lock; if another process replaced it in the meantime, puts that one back. */
function takeAway(lock: string, stale: string): void {
  const aside = `${lock}.${process.pid}.stale`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (readFileSync(aside, 'utf8') !== stale) linkIfAbsent(aside, lock);
  rmSync(aside);
}

function linkIfAbsent(existing: string, name: string): boolean {
  try {
    linkSync(existing, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readIfPresent(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function heldError(directory: string, pid: number): StoreError {
  const holder = pid === process.pid ? `this process (${pid})` : `process ${pid}`;
  return new StoreError(
    `${directory} is in use by ${holder}: a data directory serves one process at a time; ` +
      'stop that process or use another directory',
  );
}
