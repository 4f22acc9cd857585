import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** Who holds a lock longer than this is gone: what is done meanwhile takes less. */
const STALE_MS = 60_000;
const RETRY_MS = 20;

/** Does something while no other process does anything under the same lock, which is a file. */
export async function whileLocked<Result>(lock: string, action: () => Promise<Result>): Promise<Result> {
  while (!(await isTaken(lock))) {
    if (await isStale(lock)) await rm(lock, { force: true });
    else await delay(RETRY_MS);
  }
  try {
    return await action();
  } finally {
    await rm(lock, { force: true });
  }
}

async function isTaken(lock: string): Promise<boolean> {
  try {
    await writeFile(lock, `${hostname()} ${process.pid}`, { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Whether its holder is known to be gone, or must be. */
async function isStale(lock: string): Promise<boolean> {
  try {
    const [host, pid] = (await readFile(lock, 'utf8')).split(' ');
    if (host === hostname() && !isAlive(Number(pid))) return true;
    return Date.now() - (await stat(lock)).mtimeMs > STALE_MS;
  } catch (error) {
    // It was let go of meanwhile.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
