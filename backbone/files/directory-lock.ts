import { readFileSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

/** Another process holds a data directory. */
export class DirectoryInUseError extends Error {
  override readonly name = 'DirectoryInUseError';
  readonly code = 'SONDE_DIRECTORY_IN_USE';
}

/** Exclusive use of a data directory until `release`. */
export interface DirectoryLock {
  release(): void;
}

/**
 * Acquires the lock of a data directory, so that two processes never use it at once. Takes over the lock of a process
 * that no longer runs. The lock is a symbolic link whose target names its holder: it is created atomically with its
 * content and needs no data block, so a directory on a full disk can be locked, too.
 * @throws DirectoryInUseError naming the process that holds the directory.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const lock = path.join(directory, 'lock');
  const own = formatHolder({ pid: process.pid, started: startTicks(process.pid) });
  while (!linkIfAbsent(own, lock)) {
    const found = readLock(lock);
    if (found === undefined) continue;
    const holder = parseHolder(found);
    if (holder !== undefined && isAlive(holder)) throw directoryInUse(directory, holder.pid);
    removeStaleLock(lock, found);
  }
  return {
    release() {
      if (readLock(lock) === own) rmSync(lock, { force: true });
    },
  };
}

interface Holder {
  readonly pid: number;
  /** When the process started, in the kernel's clock ticks; distinguishes it from a later process with the same pid. */
  readonly started: string | null;
}

/** The content of a lock: `PID` or `PID:START`. */
function formatHolder({ pid, started }: Holder): string {
  return started === null ? String(pid) : `${pid}:${started}`;
}

/** Field 22 of /proc/PID/stat (proc(5)); null where there is no such file. */
function startTicks(pid: number): string | null {
  const stat = readIfPresent(`/proc/${pid}/stat`);
  // The second field is the command in parentheses, which may contain spaces and parentheses.
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null;
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: the process exists but belongs to another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.started === null || startTicks(holder.pid) === holder.started;
}

function parseHolder(content: string): Holder | undefined {
  const [, pid, started] = /^(\d+)(?::(\d+))?$/.exec(content) ?? [];
  return pid === undefined ? undefined : { pid: Number(pid), started: started ?? null };
}

/** Removes a stale lock; if another process replaced it in the meantime, puts that one back. */
function removeStaleLock(lock: string, stale: string): void {
  const aside = `${lock}.${process.pid}.stale`;
  try {
    renameSync(lock, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const moved = readLock(aside);
  if (moved !== undefined && moved !== stale) linkIfAbsent(moved, lock);
  rmSync(aside, { force: true });
}

function linkIfAbsent(target: string, name: string): boolean {
  try {
    symlinkSync(target, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The content of a lock; undefined if there is none, empty if it is not a symbolic link and so not a lock. */
function readLock(lock: string): string | undefined {
  try {
    return readlinkSync(lock);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EINVAL') return '';
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

function directoryInUse(directory: string, pid: number): DirectoryInUseError {
  const holder = pid === process.pid ? `this process (${pid})` : `process ${pid}`;
  return new DirectoryInUseError(
    `${directory} is in use by ${holder}: only one process can use a data directory; ` +
      'stop that process or use another directory',
  );
}
