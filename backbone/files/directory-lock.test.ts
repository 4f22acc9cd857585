import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { temporaryDirectory } from '@sonde/test/fixtures/temporary-directory';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DirectoryInUseError, lockDirectory } from './directory-lock.js';

let directory: string;
let other: ChildProcess | undefined;

beforeEach(() => {
  directory = temporaryDirectory('lock');
});

afterEach(async () => {
  await endOther();
});

/** Starts another process that lives until {@link endOther}. */
function startOther(): number {
  other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  if (other.pid === undefined) throw new Error('no process could be started');
  return other.pid;
}

async function endOther(): Promise<void> {
  if (other === undefined) return;
  other.kill('SIGKILL');
  if (other.exitCode === null && other.signalCode === null) await once(other, 'exit');
  other = undefined;
}

/** Makes a process the holder of the directory. */
function writeLock(pid: number, started: string | null): void {
  rmSync(path.join(directory, 'lock'), { force: true });
  symlinkSync(started === null ? String(pid) : `${pid}:${started}`, path.join(directory, 'lock'));
}

/** The start time of a process in clock ticks; null if the kernel does not report it. */
function startOf(pid: number): string | null {
  try {
    return (
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')[19] ?? null
    );
  } catch {
    return null;
  }
}

it('a directory has one holder at a time', () => {
  const lock = lockDirectory(directory);
  expect(() => lockDirectory(directory)).toThrow(DirectoryInUseError);
  lock.release();
  lockDirectory(directory).release();
  expect(readdirSync(directory)).toEqual([]);
});

it('the error names the process that holds the directory', () => {
  const pid = startOther();
  writeLock(pid, startOf(pid));
  expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by process ${pid}: `);
  expect(readdirSync(directory)).toEqual(['lock']);
});

it('takes over the lock of a process that no longer runs', async () => {
  const pid = startOther();
  const started = startOf(pid);
  await endOther();
  writeLock(pid, started);
  lockDirectory(directory);
  expect(readlinkSync(path.join(directory, 'lock'))).toMatch(new RegExp(`^${process.pid}:`));
  expect(readdirSync(directory)).toEqual(['lock']);
});

it.skipIf(startOf(process.pid) === null)(
  'takes over the lock of a process whose PID another process has now (needs /proc)',
  () => {
    writeLock(startOther(), '1');
    lockDirectory(directory).release();
  },
);

it.each(['x', '1:', ':1', '1:2:3'])('takes over a lock with the invalid content %j', (content) => {
  symlinkSync(content, path.join(directory, 'lock'));
  lockDirectory(directory).release();
});

it('takes over a file that is not a lock', () => {
  writeFileSync(path.join(directory, 'lock'), '1');
  lockDirectory(directory).release();
  expect(readdirSync(directory)).toEqual([]);
});

it('a release does not remove a lock that another process has acquired since', () => {
  const lock = lockDirectory(directory);
  writeLock(startOther(), '1');
  lock.release();
  expect(readdirSync(directory)).toEqual(['lock']);
});
