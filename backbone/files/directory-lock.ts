import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
 * Acquires the lock file of a data directory, so that two processes never use it at once. Takes over the lock of a
 * process that no longer runs.
 * @throws DirectoryInUseError naming the process that holds the directory.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const lock = path.join(directory, 'lock');
  const own = path.join(directory, `lock.${process.pid}`);
  const content = JSON.stringify(describeProcess(process.pid));
  writeFileSync(own, content);
  try {
    // A link either makes the whole file under its name or fails: a lock file always names its holder.
    while (!linkIfAbsent(own, lock)) {
      const found = readIfPresent(lock);
      if (found === undefined) continue;
      const holder = parseHolder(found);
      if (holder !== undefined && isAlive(holder)) throw directoryInUse(directory, holder.pid);
      removeStaleLock(lock, found);
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
  /** When the process started, in the kernel's clock ticks; distinguishes it from a later process with the same pid. */
  readonly started: string | null;
}

function describeProcess(pid: number): Holder {
  return { pid, started: startTicks(pid) };
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
  try {
    const holder = JSON.parse(content) as Partial<Holder>;
    return typeof holder.pid === 'number' ? { pid: holder.pid, started: holder.started ?? null } : undefined;
  } catch {
    return undefined; // Not a complete lock file, so nobody holds it.
  }
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

function directoryInUse(directory: string, pid: number): DirectoryInUseError {
  const holder = pid === process.pid ? `this process (${pid})` : `process ${pid}`;
  return new DirectoryInUseError(
    `${directory} is in use by ${holder}: only one process can use a data directory; ` +
      'stop that process or use another directory',
  );
}
