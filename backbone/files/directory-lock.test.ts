import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

function writeLock(content: unknown): void {
  writeFileSync(
    path.join(directory, 'lock'),
    typeof content === 'string' ? content : JSON.stringify(content),
  );
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
  writeLock({ pid, started: startOf(pid) });
  expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by process ${pid}: `);
  expect(readdirSync(directory)).toEqual(['lock']);
});

it('takes over the lock of a process that no longer runs', async () => {
  const pid = startOther();
  const started = startOf(pid);
  await endOther();
  writeLock({ pid, started });
  lockDirectory(directory);
  expect(JSON.parse(readFileSync(path.join(directory, 'lock'), 'utf8'))).toMatchObject({ pid: process.pid });
  expect(readdirSync(directory)).toEqual(['lock']);
});

it.skipIf(startOf(process.pid) === null)(
  'the lock of a process whose number another process has now is taken over (needs /proc)',
  () => {
    writeLock({ pid: startOther(), started: '1' });
    lockDirectory(directory).release();
  },
);

it.each(['', 'not JSON', '{"pid":"1"}', 'null'])(
  'takes over a lock with the invalid content %j',
  (content) => {
    writeLock(content);
    lockDirectory(directory).release();
  },
);

it('a release does not remove a lock that another process has acquired since', () => {
  const lock = lockDirectory(directory);
  const theirs = { pid: startOther(), started: '1' };
  writeLock(theirs);
  lock.release();
  expect(readdirSync(directory)).toEqual(['lock']);
});
